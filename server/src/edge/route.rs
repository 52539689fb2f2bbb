//! Routes as rows: where, what a key needs for it, what it does, and who does it. The router, the key
//! check and the OpenAPI document are made of the same rows.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};
use serde_json::{Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::App;
use super::gate::Needs;
use crate::auth::Scope;

/// What a request needs to pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Need {
    /// No key: discovery, the first key itself, and sockets, which ask for it in their first frame
    /// because a browser cannot send it otherwise.
    Nothing,
    /// Any key; the handler looks at its scopes.
    Key,
    /// A key with this scope.
    Scope(Scope),
}

impl Need {
    /// Whether looking at the headers alone does nothing but look.
    pub(super) fn is_harmless(&self) -> bool {
        matches!(self, Self::Nothing | Self::Key | Self::Scope(Scope::Read))
    }
}

/// One route with what is told of it.
pub(crate) struct Route {
    method: Method,
    path: String,
    handler: MethodRouter<App>,
    need: Need,
    says: &'static str,
    query: Vec<Value>,
    body: Option<Named>,
    answer: Option<Named>,
    content: &'static str,
    status: u16,
}

/// A schema by its name.
type Named = (String, RefOr<Schema>, Vec<(String, RefOr<Schema>)>);

macro_rules! methods {
    ($($name:ident $method:ident),*) => {$(
        /// A route for this method. It needs a key for everything until it says what it needs.
        pub(crate) fn $name<H, T>(path: impl Into<String>, handler: H) -> Route
        where
            H: Handler<T, App>,
            T: 'static,
        {
            Route::new(Method::$method, path.into(), on(MethodFilter::$method, handler))
        }
    )*};
}
methods!(get GET, post POST, put PUT, patch PATCH, delete DELETE);

impl Route {
    fn new(method: Method, path: String, handler: MethodRouter<App>) -> Self {
        Self {
            method,
            path,
            handler,
            need: Need::Scope(Scope::Admin),
            says: "",
            query: Vec::new(),
            body: None,
            answer: None,
            content: "application/json",
            status: 200,
        }
    }

    /// It needs no key.
    pub(crate) fn open(mut self) -> Self {
        self.need = Need::Nothing;
        self
    }

    /// It needs a key, whatever it is for.
    pub(crate) fn any_key(mut self) -> Self {
        self.need = Need::Key;
        self
    }

    /// It needs a key for this.
    pub(crate) fn needs(mut self, scope: Scope) -> Self {
        self.need = Need::Scope(scope);
        self
    }

    /// What it does, in a sentence.
    pub(crate) fn says(mut self, text: &'static str) -> Self {
        self.says = text;
        self
    }

    /// It takes this in its query: name, JSON type, what it is.
    pub(crate) fn query(mut self, name: &str, kind: &str, says: &str) -> Self {
        self.query.push(json!({
            "name": name, "in": "query", "required": false, "description": says,
            "schema": { "type": kind },
        }));
        self
    }

    /// It takes these in its query, as they are described elsewhere.
    pub(crate) fn queries(mut self, described: impl IntoIterator<Item = Value>) -> Self {
        self.query.extend(described);
        self
    }

    /// It takes the parameters that choose endpoints.
    pub(crate) fn chooses_endpoints(self) -> Self {
        self.query(
            "proxmox_endpoint_ids",
            "string",
            "Numbers of endpoints, with commas between them",
        )
        .query("name", "string", "Name of an endpoint")
        .query("domain", "string", "Domain of an endpoint")
        .query("ip_address", "string", "Address of an endpoint")
        .query("port", "string", "Port of an endpoint")
    }

    /// It takes a JSON body.
    pub(crate) fn takes<T: ToSchema>(mut self) -> Self {
        self.body = Some(named::<T>());
        self
    }

    /// It answers JSON.
    pub(crate) fn answers<T: ToSchema>(mut self) -> Self {
        self.answer = Some(named::<T>());
        self
    }

    /// It answers something else than JSON.
    pub(crate) fn sends(mut self, content: &'static str) -> Self {
        self.content = content;
        self
    }

    /// Its status where it goes well, if not 200.
    pub(crate) fn with(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    fn described(&self, tag: &str) -> Value {
        let schema = |named: &Option<Named>| match named {
            Some((name, ..)) => json!({ "$ref": format!("#/components/schemas/{name}") }),
            None => json!({}),
        };
        let mut parameters: Vec<Value> = path_parameters(&self.path).collect();
        parameters.extend(self.query.iter().cloned());
        let good = match self.status {
            204 => json!({ "description": "Done" }),
            _ => json!({
                "description": "Done",
                "content": { self.content: { "schema": schema(&self.answer) } },
            }),
        };
        let error = json!({ "$ref": "#/components/responses/Error" });
        let mut described = json!({
            "operationId": operation_id(&self.method, &self.path), "tags": [tag],
            "summary": self.says,
            "responses": { self.status.to_string(): good, "default": error },
        });
        if !parameters.is_empty() {
            described["parameters"] = parameters.into();
        }
        if self.body.is_some() {
            described["requestBody"] =
                json!({ "content": { "application/json": { "schema": schema(&self.body) } } });
        }
        described["security"] = match &self.need {
            Need::Nothing => json!([]),
            Need::Key => json!([{ "key": [] }]),
            Need::Scope(scope) => json!([{ "key": [scope.to_string()] }]),
        };
        described
    }
}

fn named<T: ToSchema>() -> Named {
    let mut inner = Vec::new();
    T::schemas(&mut inner);
    (T::name().into_owned(), <T as PartialSchema>::schema(), inner)
}

/// `GET /auth/keys/{id}` becomes `get_auth_keys_id`.
fn operation_id(method: &Method, path: &str) -> String {
    let words = path.split(['/', '{', '}', '-', '.', '*']).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    let place = if words.is_empty() { "root".to_owned() } else { words.join("_") };
    let slash = if path.len() > 1 && path.ends_with('/') { "_" } else { "" };
    format!("{}_{place}{slash}", method.as_str().to_lowercase())
}

fn path_parameters(path: &str) -> impl Iterator<Item = Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| {
        let kind = match name {
            "vmid" => json!({ "type": "integer", "minimum": 100, "maximum": 999_999_999 }),
            "id" => json!({ "type": "string" }),
            _ => json!({ "type": "string", "minLength": 1 }),
        };
        let name = name.trim_start_matches('*');
        json!({ "name": name, "in": "path", "required": true, "schema": kind })
    })
}

/// A list of routes.
pub(crate) struct Routes {
    router: Router<App>,
    needs: HashMap<String, Vec<(Method, Need)>>,
    paths: serde_json::Map<String, Value>,
    schemas: serde_json::Map<String, Value>,
    tag: &'static str,
}

impl Routes {
    /// An empty list; its routes are told of under this heading.
    pub(crate) fn new(tag: &'static str) -> Self {
        Self {
            router: Router::new(),
            needs: HashMap::new(),
            paths: serde_json::Map::new(),
            schemas: serde_json::Map::new(),
            tag,
        }
    }

    /// Adds a route.
    pub(crate) fn add(mut self, route: Route) -> Self {
        let described = route.described(self.tag);
        let item = self.paths.entry(route.path.clone()).or_insert_with(|| json!({}));
        item[route.method.as_str().to_lowercase()] = described;
        for (name, schema, inner) in [route.body, route.answer].into_iter().flatten() {
            for (name, schema) in inner.into_iter().chain([(name, schema)]) {
                let schema = serde_json::to_value(schema).unwrap_or_default();
                self.schemas.insert(name, schema);
            }
        }
        self.hidden(route.method, &route.path, route.need, route.handler)
    }

    /// Adds a route that the document leaves out: an alias, or one that is described elsewhere.
    pub(crate) fn hidden(
        mut self,
        method: Method,
        path: &str,
        need: Need,
        handler: MethodRouter<App>,
    ) -> Self {
        self.needs.entry(path.to_owned()).or_default().push((method, need));
        self.router = self.router.route(path, handler);
        self
    }

    /// Adds all of another list.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        for (path, needs) in other.needs {
            self.needs.entry(path).or_default().extend(needs);
        }
        for (path, item) in other.paths {
            let known = self.paths.entry(path).or_insert_with(|| json!({}));
            if let (Some(known), Value::Object(item)) = (known.as_object_mut(), item) {
                known.extend(item);
            }
        }
        self.schemas.extend(other.schemas);
        self
    }

    /// The router, what its routes need, and what the document says of them: paths and schemas.
    pub(super) fn build(self) -> (Router<App>, Needs, Value) {
        let described = json!({ "paths": self.paths, "schemas": self.schemas });
        (self.router, Arc::new(self.needs), described)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_that_does_not_say_what_it_needs_is_for_administrators() {
        let (_, needs, _) = Routes::new("x").add(get("/x/{id}", async || "")).build();
        assert_eq!(needs["/x/{id}"], [(Method::GET, Need::Scope(Scope::Admin))]);
    }

    #[test]
    fn the_document_names_path_parameters_and_needs() {
        let route = get("/x/{node}/{vmid}", async || "").needs(Scope::Read).says("Looks.");
        let (.., described) = Routes::new("things").add(route).build();
        let operation = &described["paths"]["/x/{node}/{vmid}"]["get"];
        assert_eq!(operation["parameters"][1]["schema"]["minimum"], 100);
        assert_eq!(operation["security"], json!([{ "key": ["read"] }]));
        assert_eq!(operation["operationId"], "get_x_node_vmid");
    }
}
