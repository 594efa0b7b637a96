//! Every element says what it is, with units and errors.

use std::collections::BTreeSet;

use crate::contract::{Element, Kind, elements, files};

#[test]
fn every_element_has_a_comment_of_whole_sentences() {
    for Element { full_name, comment, .. } in elements() {
        assert!(!comment.is_empty(), "{full_name} has no comment");
        assert!(comment.ends_with('.'), "{full_name}: `{comment}` is no sentence");
        assert!(!comment.contains("TODO"), "{full_name}: {comment}");
    }
    for file in files() {
        let info = file.source_code_info.unwrap();
        // The comment above `syntax` (field 12) is that of the file.
        let comment = info.location.iter().find(|l| l.path == [12]).map(|l| l.leading_comments().to_owned());
        assert!(comment.is_some_and(|text| !text.trim().is_empty()), "{} has no comment", file.name.unwrap());
    }
}

/// The words of a text that look like reasons: capitals and underscores.
fn reasons_in(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.contains('_') && word.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .map(str::to_owned)
        .collect()
}

/// The reasons of a package, without the enum's prefix.
fn reasons_of(elements: &[Element], package: &str) -> BTreeSet<String> {
    let prefix = format!("{package}.ErrorReason.");
    let mut reasons = BTreeSet::new();
    for element in elements.iter().filter(|e| e.full_name.starts_with(&prefix)) {
        reasons.insert(element.name.strip_prefix("ERROR_REASON_").unwrap().to_owned());
    }
    reasons.remove("UNSPECIFIED");
    reasons
}

#[test]
fn the_errors_an_rpc_names_are_documented_and_the_documented_ones_are_named() {
    let elements = elements();
    let shared = reasons_of(&elements, "liem.ledger.v1");
    for file in files() {
        let package = file.package();
        let own = reasons_of(&elements, package);
        assert!(!own.is_empty(), "{package} documents its reasons");
        let mut named = BTreeSet::new();
        for element in elements.iter().filter(|e| e.package == package) {
            if let Kind::Service | Kind::Rpc(_) = element.kind {
                let reasons = reasons_in(&element.comment);
                for reason in &reasons {
                    let known = own.contains(reason) || shared.contains(reason);
                    assert!(known, "{} names {reason}, which no ErrorReason documents", element.full_name);
                }
                named.extend(reasons);
            }
        }
        // The shared ones belong to every RPC, and stand at none.
        if package != "liem.ledger.v1" {
            let unnamed: Vec<_> = own.difference(&named).collect();
            assert!(unnamed.is_empty(), "no RPC of {package} says that it can fail with {unnamed:?}");
        }
    }
}
