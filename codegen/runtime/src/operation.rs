//! Operations as data: what a call looks like, and the types of its body and answer.

use std::fmt;
use std::marker::PhantomData;

use crate::{
    Availability, IdOr, Kind, Payload, Permission, QueryField, Record, Request, Schema,
    record_to_value,
};

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// `DELETE`
    Delete,
    /// `GET`
    Get,
    /// `PATCH`
    Patch,
    /// `POST`
    Post,
    /// `PUT`
    Put,
}

impl Method {
    /// The method's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }

    /// Whether a second identical request changes nothing more.
    pub const fn is_idempotent(self) -> bool {
        matches!(self, Self::Get | Self::Put | Self::Delete)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One operation of an API.
#[derive(Debug)]
pub struct Op {
    /// HTTP method.
    pub method: Method,
    /// Path with `{name}` for each parameter in it.
    pub path: &'static str,
    /// Parameters: of the path, and of query or body where these are flat.
    pub params: &'static Schema,
    /// NetBox: the list's filters.
    pub filters: &'static [QueryField],
    /// NetBox: what the request body holds.
    pub body: Kind,
    /// What a successful answer holds.
    pub returns: Kind,
    /// Properties of the operation.
    pub flags: OpFlags,
    /// When the operation came and went.
    pub availability: Availability,
    /// Who may call it. NetBox does not say and has [`Permission::Told`].
    pub permission: &'static Permission,
}

impl Op {
    /// A GET of the root without parameters, to begin a description with.
    pub const PLAIN: Self = Self {
        method: Method::Get,
        path: "/",
        params: &Schema::new("Nothing", &[]),
        filters: &[],
        body: Kind::Null,
        returns: Kind::Any,
        flags: OpFlags(OpFlags::NONE),
        availability: Availability::ALWAYS,
        permission: &Permission::Told,
    };
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// Properties of an operation that are true or false.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpFlags(pub u16);

impl OpFlags {
    /// No property.
    pub const NONE: u16 = 0;
    /// Runs with root rights on the node.
    pub const PROTECTED: u16 = 1;
    /// Not for API tokens.
    pub const NO_TOKEN: u16 = 1 << 1;
    /// Forwarded to the node named in the path.
    pub const PROXIED: u16 = 1 << 2;
    /// May answer with a file.
    pub const DOWNLOAD: u16 = 1 << 3;
    /// Takes a file.
    pub const UPLOAD: u16 = 1 << 4;
    /// Takes one object or a list of them.
    pub const BULK: u16 = 1 << 5;
    /// Upstream may change it without notice.
    pub const UNSTABLE: u16 = 1 << 6;

    /// Whether all of `flags` are set.
    pub const fn has(self, flags: u16) -> bool {
        self.0 & flags == flags
    }
}

/// An operation: a record of its parameters that knows how it is called and what it answers.
pub trait Operation: Record + Sized {
    /// The description of the operation.
    const OP: &'static Op;
    /// What a successful answer holds.
    type Output: crate::Slot + Default;

    /// The description of the operation.
    fn op(&self) -> &'static Op {
        Self::OP
    }
    /// The rules of the description that the parameters break. The server checks more.
    fn validate(&self) -> Vec<crate::Violation> {
        crate::validate(self)
    }
    /// What the call uses and a server of `release` lacks.
    fn unavailable(&self, release: crate::Release) -> Option<crate::Unavailable> {
        crate::unavailable(Self::OP, self, release)
    }
    /// The privileges that a caller may need, each with the path that they are needed on.
    fn privileges(&self) -> Vec<(&'static str, &'static str)> {
        Self::OP.permission.privileges()
    }
    /// The request, with all parameters in their places.
    fn request(&self) -> Request {
        Request::flat(Self::OP, self)
    }
}

/// Makes a record of parameters an [`Operation`].
#[macro_export]
macro_rules! operation {
    (
        $name:ident -> $output:ty; $method:ident $path:literal, $returns:expr, $flags:expr;
        $permission:expr $(; $availability:expr)?
    ) => {
        impl $crate::Operation for $name {
            const OP: &'static $crate::Op = &$crate::Op {
                method: $crate::Method::$method,
                path: $path,
                params: Self::SCHEMA,
                returns: $returns,
                flags: $crate::OpFlags($flags),
                permission: &$permission,
                $(availability: $availability,)?
                ..$crate::Op::PLAIN
            };
            type Output = $output;
        }
    };
}

/// A typed handle to an operation: `B` is its body, `R` its answer.
pub struct Call<B, R> {
    /// The description of the operation.
    pub op: &'static Op,
    types: PhantomData<fn(B) -> R>,
}

impl<B, R> Call<B, R> {
    /// A handle to `op`.
    pub const fn new(op: &'static Op) -> Self {
        Self { op, types: PhantomData }
    }
}

impl<B, R> Clone for Call<B, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B, R> Copy for Call<B, R> {}

impl<B, R> fmt::Debug for Call<B, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.op, f)
    }
}

impl<R> Call<(), R> {
    /// The request without a body; `path` holds the values for the path's parameters, in order.
    pub fn request(&self, path: &[&str]) -> Request {
        Request::new(self.op, path)
    }
}

impl<B: Record, R> Call<B, R> {
    /// The request with one object as its body.
    pub fn with(&self, path: &[&str], body: &B) -> Request {
        let mut request = Request::new(self.op, path);
        request.payload = Payload::Json(record_to_value(body));
        request
    }
}

impl<B: Record, R> Call<Vec<B>, R> {
    /// The request with a list of objects as its body.
    pub fn with_all(&self, path: &[&str], bodies: &[B]) -> Request {
        let mut request = Request::new(self.op, path);
        let bodies = bodies.iter().map(|body| record_to_value(body)).collect();
        request.payload = Payload::Json(serde_json::Value::Array(bodies));
        request
    }
}

impl<T> From<Option<i64>> for crate::Patch<IdOr<T>> {
    fn from(id: Option<i64>) -> Self {
        id.map_or(Self::Null, |id| Self::Set(IdOr::Id(id)))
    }
}
