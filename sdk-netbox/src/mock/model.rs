//! NetBox's models: what is published, joined with what is not.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proxbox_runtime::{Kind, Method, Op, QueryField, Schema};
use serde_json::Value;

/// One collection of objects.
#[derive(Debug)]
pub(super) struct Model {
    /// `dcim/sites`
    pub(super) path: &'static str,
    /// `dcim.site`
    pub(super) label: &'static str,
    /// `Site`
    pub(super) class: &'static str,
    /// `site`, for messages.
    pub(super) name: &'static str,
    pub(super) order: Vec<&'static str>,
    pub(super) unique: Vec<Unique>,
    /// Fields of the short form, where it is not seen in others.
    pub(super) brief: Vec<&'static str>,
    pub(super) references: BTreeMap<&'static str, Reference>,
    pub(super) defaults: BTreeMap<&'static str, Value>,
    /// An object as it is answered.
    pub(super) read: &'static Schema,
    /// An object as it is created; nothing where that is not possible.
    pub(super) write: Option<&'static Schema>,
    pub(super) filters: &'static [QueryField],
    /// Derived fields that count references to an object: field, collection, referring field.
    pub(super) counts: BTreeMap<&'static str, Vec<(&'static str, &'static str)>>,
}

/// Fields that no two objects have the same values in.
#[derive(Debug)]
pub(super) struct Unique {
    pub(super) fields: Vec<Part>,
    /// Holds only for objects where these are null.
    pub(super) nulls: Vec<&'static str>,
    pub(super) message: Option<&'static str>,
}

#[derive(Debug)]
pub(super) struct Part {
    pub(super) field: &'static str,
    pub(super) ignores_case: bool,
}

/// A foreign key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reference {
    pub(super) target: &'static str,
    pub(super) deletion: Deletion,
}

/// What becomes of an object when what it refers to is deleted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Deletion {
    Cascade,
    Protect,
    Null,
    /// A list of references loses one.
    Many,
}

/// All models.
pub(super) struct Models {
    by_path: BTreeMap<&'static str, Model>,
    by_label: BTreeMap<&'static str, &'static str>,
    /// The short form of each collection's objects.
    brief: BTreeMap<&'static str, &'static Schema>,
}

/// Fields with references to any kind of object: `<name>_type` and `<name>_id`.
pub(super) const GENERIC: [&str; 8] = [
    "assigned_object",
    "scope",
    "object",
    "parent_object",
    "termination",
    "interface",
    "member",
    "changed_object",
];

static MODELS: LazyLock<Models> = LazyLock::new(Models::load);

/// All models.
pub(super) fn models() -> &'static Models {
    &MODELS
}

impl Models {
    pub(super) fn get(&self, path: &str) -> Option<&Model> {
        self.by_path.get(path)
    }

    pub(super) fn labelled(&self, label: &str) -> Option<&Model> {
        self.get(self.by_label.get(label)?)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Model> {
        self.by_path.values()
    }

    pub(super) fn brief(&self, path: &str) -> Option<&'static Schema> {
        self.brief.get(path).copied()
    }

    fn load() -> Self {
        let mut by_path: BTreeMap<&'static str, Model> = blocks()
            .filter_map(|block| Model::read(&block))
            .map(|model| (model.path, model))
            .collect();
        let by_label = by_path.values().map(|model| (model.label, model.path)).collect();
        let counted: Vec<_> =
            by_path.values().map(|model| (model.path, counts(model, &by_path))).collect();
        for (path, counts) in counted {
            if let Some(model) = by_path.get_mut(path) {
                model.counts = counts;
            }
        }
        let brief = brief_forms(&by_path);
        Self { by_path, by_label, brief }
    }
}

/// The blocks of `models.txt`: a line that is not indented, and those that follow it.
fn blocks() -> impl Iterator<Item = Vec<&'static str>> {
    let mut blocks: Vec<Vec<&'static str>> = Vec::new();
    let lines =
        include_str!("models.txt").lines().chain(include_str!("models-proxbox.txt").lines());
    for line in lines.filter(|line| !line.starts_with('#')) {
        match blocks.last_mut() {
            Some(block) if line.starts_with(' ') => block.push(line.trim()),
            _ => blocks.push(vec![line]),
        }
    }
    blocks.into_iter()
}

impl Model {
    fn read(block: &[&'static str]) -> Option<Self> {
        let mut head = block.first()?.split(' ');
        let (path, label, class) = (head.next()?, head.next()?, head.next()?);
        let list = operation(path, Method::Get)?;
        let Kind::Page(Kind::Record(read)) = list.returns else {
            return None;
        };
        let write = operation(path, Method::Post).and_then(|op| match op.body {
            Kind::Record(schema) => Some(schema),
            _ => None,
        });
        let mut model = Self {
            path,
            label,
            class,
            name: label,
            order: head.skip(1).collect(),
            unique: Vec::new(),
            brief: Vec::new(),
            references: BTreeMap::new(),
            defaults: BTreeMap::new(),
            read,
            write,
            filters: list.filters,
            counts: BTreeMap::new(),
        };
        for line in &block[1..] {
            model.take(line);
        }
        Some(model)
    }

    fn take(&mut self, line: &'static str) -> Option<()> {
        let (word, rest) = line.split_once(' ')?;
        match word {
            "name" => self.name = rest,
            "brief" => self.brief = rest.split(' ').collect(),
            "unique" => self.unique.push(Unique::read(rest)),
            "ref" => {
                let mut words = rest.split(' ');
                let (field, target) = (words.next()?, words.next()?);
                let deletion = match words.next()? {
                    "cascade" => Deletion::Cascade,
                    "protect" => Deletion::Protect,
                    "many" => Deletion::Many,
                    _ => Deletion::Null,
                };
                self.references.insert(field, Reference { target, deletion });
            }
            "default" => {
                let (field, json) = rest.split_once(' ')?;
                self.defaults.insert(field, serde_json::from_str(json).ok()?);
            }
            _ => return None,
        }
        Some(())
    }

    /// Whether it is netbox-proxbox's.
    pub(super) fn is_plugins(&self) -> bool {
        self.path.starts_with("plugins/")
    }

    /// Whether objects can be given tags.
    pub(super) fn has_tags(&self) -> bool {
        self.read.find("tags").is_some()
    }

    /// The generic references that objects have.
    pub(super) fn generic(&self) -> impl Iterator<Item = &'static str> {
        let schema = self.write.unwrap_or(self.read);
        GENERIC.into_iter().filter(move |name| schema.find(&format!("{name}_type")).is_some())
    }
}

impl Unique {
    fn read(rest: &'static str) -> Self {
        let (rest, message) = match rest.split_once(" : ") {
            Some((rest, message)) => (rest, Some(message)),
            None => (rest, None),
        };
        let (fields, nulls) = rest.split_once(" where ").unwrap_or((rest, ""));
        let part = |word: &'static str| Part {
            field: word.strip_prefix("lower:").unwrap_or(word),
            ignores_case: word.starts_with("lower:"),
        };
        Self {
            fields: fields.split(' ').map(part).collect(),
            nulls: nulls.split_whitespace().collect(),
            message,
        }
    }
}

/// The operation on the collection as a whole.
fn operation(path: &str, method: Method) -> Option<&'static Op> {
    let full = format!("/api/{path}/");
    generated_netbox::operations().find(|op| op.method == method && op.path == full)
}

/// Which references each `<model>_count` of a model counts.
fn counts(
    model: &Model,
    all: &BTreeMap<&'static str, Model>,
) -> BTreeMap<&'static str, Vec<(&'static str, &'static str)>> {
    let mut counts = BTreeMap::new();
    for field in model.read.fields {
        let name = field.name.strip_suffix("_count").or_else(|| field.name.strip_prefix("count_"));
        let Some(name) = name.map(|name| name.replace('_', "")) else {
            continue;
        };
        let counted = |other: &&Model| {
            let (_, word) = other.label.split_once('.').unwrap_or_default();
            word == name || word.strip_prefix("vm") == Some(&name) || format!("{word}es") == name
        };
        let mut places = Vec::new();
        for other in all.values().filter(counted) {
            let refers = |(_, one): &(&&'static str, &Reference)| one.target == model.path;
            places.extend(
                other.references.iter().filter(refers).map(|(name, _)| (other.path, *name)),
            );
            places.extend(other.generic().map(|name| (other.path, name)));
        }
        counts.insert(field.name, places);
    }
    counts
}

/// The short form of each collection's objects, from where others embed them.
fn brief_forms(all: &BTreeMap<&'static str, Model>) -> BTreeMap<&'static str, &'static Schema> {
    let mut forms: BTreeMap<&'static str, &'static Schema> = BTreeMap::new();
    for model in all.values() {
        for (name, reference) in &model.references {
            // The plugin's forms of NetBox's own objects are others.
            if model.is_plugins() && !reference.target.starts_with("plugins/") {
                continue;
            }
            let schema = match model.read.field(name).map(|field| field.kind) {
                Some(Kind::Record(schema) | Kind::List(&Kind::Record(schema))) => schema,
                _ => continue,
            };
            // Neither the form for parents, nor whole objects as in some lists.
            if schema.find("display_url").is_none() {
                let known = forms.entry(reference.target).or_insert(schema);
                if schema.fields.len() < known.fields.len() {
                    *known = schema;
                }
            }
        }
    }
    forms
}
