//! RPCs: a request and an answer each, pages, and request ids.

use std::collections::{BTreeMap, BTreeSet};

use prost_types::{
    DescriptorProto, MethodDescriptorProto,
    field_descriptor_proto::{Label, Type},
};

use crate::contract::{Element, Kind, elements};

/// Lists that have no page token, and why.
const UNTOKENED: [(&str, &str); 5] = [
    (
        "liem.ledger.v1.LedgerService.ListEntries",
        "pages go by position, which is better than a token: it never expires",
    ),
    ("liem.ledger.v1.LedgerService.ListStreamEntries", "pages go by revision, likewise"),
    (
        "liem.directory.v1.DirectoryService.ListHeads",
        "an agency or unit has few heads over the years: one answer holds them",
    ),
    ("liem.directory.v1.DirectoryService.ListDays", "a year has few days that differ: one answer holds them"),
    ("liem.view.v1.ViewAdmin.ListViews", "a server has a handful of views, each of a few generations"),
];

/// RPCs that take many requests on one call, and why.
const STREAMED_IN: [(&str, &str); 1] = [(
    "liem.ledger.v1.LedgerService.AppendStream",
    "an append doesn't wait for the answer to the one before",
)];

/// Fields that hold a request or an answer of another RPC, and why.
const EMBEDDED: [(&str, &str); 2] = [
    ("liem.ledger.v1.AppendStreamRequest.append", "one of many on a call is the same as one on its own"),
    ("liem.ledger.v1.AppendStreamResponse.recorded", "and gets the same answer"),
];

fn messages(elements: &[Element]) -> BTreeMap<String, DescriptorProto> {
    let message = |e: &Element| match &e.kind {
        Kind::Message(message) => Some((format!(".{}", e.full_name), message.clone())),
        _ => None,
    };
    elements.iter().filter_map(message).collect()
}

fn rpcs<'a>(elements: &'a [Element]) -> Vec<(&'a Element, &'a MethodDescriptorProto)> {
    let rpc = |element: &'a Element| match &element.kind {
        Kind::Rpc(method) => Some((element, method)),
        _ => None,
    };
    elements.iter().filter_map(rpc).collect()
}

fn type_of(message: &DescriptorProto, name: &str) -> Option<(Type, Label)> {
    let field = message.field.iter().find(|field| field.name() == name)?;
    Some((field.r#type(), field.label()))
}

#[test]
fn every_rpc_has_a_request_and_an_answer_of_its_own() {
    let elements = elements();
    let (mut expected, mut streamed_in) = (BTreeSet::new(), Vec::new());
    for (rpc, method) in rpcs(&elements) {
        let (package, name) = (&rpc.package, &rpc.name);
        let (request, response) = (format!(".{package}.{name}Request"), format!(".{package}.{name}Response"));
        assert_eq!((method.input_type(), method.output_type()), (&*request, &*response), "{}", rpc.full_name);
        if method.client_streaming() {
            streamed_in.push(rpc.full_name.as_str());
        }
        // An RPC of the same name in another service of the package would share them.
        assert!(
            expected.insert(request) && expected.insert(response),
            "{} shares its messages",
            rpc.full_name
        );
    }
    let allowed = STREAMED_IN.map(|(name, _why)| name);
    assert_eq!(streamed_in, allowed, "an RPC takes one request, or says here why not");
    // None is left over, and none is used within another message.
    let named = |name: &String| name.ends_with("Request") || name.ends_with("Response");
    let found: BTreeSet<_> = messages(&elements).into_keys().filter(named).collect();
    assert_eq!(found, expected);
    let embeds =
        |element: &&Element| matches!(&element.kind, Kind::Field(f) if expected.contains(f.type_name()));
    let embedded: Vec<_> = elements.iter().filter(embeds).map(|element| element.full_name.as_str()).collect();
    let allowed = EMBEDDED.map(|(name, _why)| name);
    assert_eq!(embedded, allowed, "no field holds a request or answer, or says here why");
}

#[test]
fn lists_are_paged() {
    let elements = elements();
    let messages = messages(&elements);
    let (mut untokened, mut paged) = (Vec::new(), 0);
    for (rpc, method) in rpcs(&elements) {
        let (request, response) = (&messages[method.input_type()], &messages[method.output_type()]);
        let size = type_of(request, "page_size");
        let tokens = (type_of(request, "page_token"), type_of(response, "next_page_token"));
        if size.is_some() {
            assert_eq!(size, Some((Type::Int32, Label::Optional)), "{}", rpc.full_name);
        }
        let token = Some((Type::String, Label::Optional));
        match tokens {
            (None, None) if rpc.name.starts_with("List") => untokened.push(rpc.full_name.clone()),
            (None, None) => {}
            both => {
                assert_eq!(both, (token, token), "{}: a token goes both ways", rpc.full_name);
                assert!(size.is_some(), "{}: a page has a size", rpc.full_name);
                let is_list = response.field.iter().any(|field| field.label() == Label::Repeated);
                assert!(is_list, "{}: a page is of something", rpc.full_name);
                paged += 1;
            }
        }
    }
    untokened.sort_unstable();
    let mut allowed = UNTOKENED.map(|(name, _why)| name);
    allowed.sort_unstable();
    assert_eq!(untokened, allowed, "a list has page tokens, or says here why not");
    assert!(paged >= 5, "{paged}");
}

#[test]
fn every_mutation_carries_a_request_id_and_says_what_it_recorded() {
    let elements = elements();
    let messages = messages(&elements);
    let request_id = Some((Type::String, Label::Optional));
    let mut mutations = 0;
    for (rpc, method) in rpcs(&elements) {
        let context = rpc.package.split('.').nth(1).unwrap();
        let reads = ["Get", "List", "BatchGet"].iter().any(|verb| rpc.name.starts_with(verb));
        let mutates = match context {
            "directory" | "delivery" | "conduct" | "discipline" => !reads,
            "ledger" => rpc.name == "AppendEvents",
            // Views change nothing.
            _ => false,
        };
        let (request, response) = (&messages[method.input_type()], &messages[method.output_type()]);
        let command = request.field.iter().find(|field| field.name() == "command");
        let carried = command.map_or_else(
            || type_of(request, "request_id"),
            |command| type_of(&messages[command.type_name()], "request_id"),
        );
        if !mutates {
            assert!(command.is_none(), "{} reads and takes a command", rpc.full_name);
            continue;
        }
        mutations += 1;
        assert_eq!(carried, request_id, "{} carries a request_id", rpc.full_name);
        if context != "ledger" {
            let recorded = response.field.iter().find(|field| field.name() == "recorded");
            let recorded =
                recorded.unwrap_or_else(|| panic!("{} doesn't say what it recorded", rpc.full_name));
            assert_eq!(recorded.type_name(), ".liem.ledger.v1.Recorded", "{}", rpc.full_name);
        }
    }
    assert!(mutations >= 25, "{mutations}");
}
