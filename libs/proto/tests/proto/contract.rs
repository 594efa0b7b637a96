//! The descriptors in a form that is easy to walk: every element with its full name and its comment.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

use prost::Message as _;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    MessageOptions, MethodDescriptorProto,
};

/// What an element is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Service,
    Rpc(MethodDescriptorProto),
    Message(DescriptorProto),
    Field(FieldDescriptorProto),
    Oneof,
    Enum(EnumDescriptorProto),
    Value(i32),
}

/// One element of the contract.
#[derive(Debug, Clone)]
pub(crate) struct Element {
    pub(crate) package: String,
    /// The full name, such as `liem.ledger.v1.Entry.bytes`; a value's is that of its enum and its own.
    pub(crate) full_name: String,
    pub(crate) name: String,
    pub(crate) comment: String,
    pub(crate) kind: Kind,
}

/// Our files: the descriptors also hold what they import.
pub(crate) fn files() -> Vec<FileDescriptorProto> {
    let files = FileDescriptorSet::decode(proto::DESCRIPTORS).unwrap().file;
    files.into_iter().filter(|file| file.name().starts_with("liem/")).collect()
}

/// Every element of the contract.
pub(crate) fn elements() -> Vec<Element> {
    let elements: Vec<_> = files().iter().flat_map(|file| Walk::of(file).elements).collect();
    assert!(elements.len() > 500, "the contract is there: {}", elements.len());
    elements
}

struct Walk {
    package: String,
    comments: HashMap<Vec<i32>, String>,
    elements: Vec<Element>,
}

impl Walk {
    // The numbers are the fields of descriptor.proto: a path is a chain of them and of indexes.
    fn of(file: &FileDescriptorProto) -> Self {
        let info = file.source_code_info.as_ref().expect("the descriptors keep the comments");
        let comments =
            info.location.iter().map(|l| (l.path.clone(), l.leading_comments().trim().to_owned())).collect();
        let mut walk = Self { package: file.package().to_owned(), comments, elements: Vec::new() };
        let package = walk.package.clone();
        for (i, message) in (0..).zip(&file.message_type) {
            walk.message(&[4, i], &package, message);
        }
        for (i, enumeration) in (0..).zip(&file.enum_type) {
            walk.enumeration(&[5, i], &package, enumeration);
        }
        for (i, service) in (0..).zip(&file.service) {
            let full_name = walk.add(&[6, i], &package, service.name(), Kind::Service);
            for (k, method) in (0..).zip(&service.method) {
                walk.add(&[6, i, 2, k], &full_name, method.name(), Kind::Rpc(method.clone()));
            }
        }
        walk
    }

    fn add(&mut self, path: &[i32], parent: &str, name: &str, kind: Kind) -> String {
        let full_name = format!("{parent}.{name}");
        self.elements.push(Element {
            package: self.package.clone(),
            full_name: full_name.clone(),
            name: name.to_owned(),
            comment: self.comments.get(path).cloned().unwrap_or_default(),
            kind,
        });
        full_name
    }

    fn message(&mut self, path: &[i32], parent: &str, message: &DescriptorProto) {
        let full_name = self.add(path, parent, message.name(), Kind::Message(message.clone()));
        for (i, field) in (0..).zip(&message.field) {
            self.add(&[path, &[2, i]].concat(), &full_name, field.name(), Kind::Field(field.clone()));
        }
        for (i, oneof) in (0..).zip(&message.oneof_decl) {
            // `optional` is a oneof that the compiler makes.
            if !oneof.name().starts_with('_') {
                self.add(&[path, &[8, i]].concat(), &full_name, oneof.name(), Kind::Oneof);
            }
        }
        for (i, nested) in (0..).zip(&message.nested_type) {
            // The pairs of a map are a message that the compiler makes.
            if !nested.options.as_ref().is_some_and(MessageOptions::map_entry) {
                self.message(&[path, &[3, i]].concat(), &full_name, nested);
            }
        }
        for (i, nested) in (0..).zip(&message.enum_type) {
            self.enumeration(&[path, &[4, i]].concat(), &full_name, nested);
        }
    }

    fn enumeration(&mut self, path: &[i32], parent: &str, enumeration: &EnumDescriptorProto) {
        let full_name = self.add(path, parent, enumeration.name(), Kind::Enum(enumeration.clone()));
        for (i, value) in (0..).zip(&enumeration.value) {
            self.add(&[path, &[2, i]].concat(), &full_name, value.name(), Kind::Value(value.number()));
        }
    }
}

fn proto_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            proto_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            found.push(path);
        }
    }
}

#[test]
fn every_file_is_compiled_and_lies_where_its_package_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let mut published = Vec::new();
    proto_files(&root, &mut published);
    let published: BTreeSet<_> =
        published.iter().map(|path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned()).collect();
    let compiled: BTreeSet<_> = files().iter().map(|file| file.name().to_owned()).collect();
    assert_eq!(compiled, published, "build.rs compiles what is published");

    for file in files() {
        assert_eq!(file.syntax(), "proto3", "{}", file.name());
        let (folder, _) = file.name().rsplit_once('/').unwrap();
        assert_eq!(file.package(), folder.replace('/', "."), "{}", file.name());
        let parts: Vec<_> = folder.split('/').collect();
        assert!(matches!(parts[..], ["liem", _, "v1"]), "{} is liem/<context>/v1", file.name());
    }
}
