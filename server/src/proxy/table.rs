//! The generated routes of each product, and the releases that they come from.

use std::sync::LazyLock;

use axum::http::{Method, StatusCode};
use generated_routes::{Route, pbs, pdm, pve};
use proxbox_runtime::{Matched, Op, OpIndex, Release, Request};
use sdk_proxmox::{Client, Error, Product};

use crate::edge::ApiError;

/// A path below which the operations of a product are passed on.
pub(crate) struct Place {
    pub(super) product: Product,
    prefix: &'static str,
    /// What it is called where requests are counted.
    pub(crate) route: &'static str,
}

static PLACES: [Place; 3] = [
    Place { product: Product::Pve, prefix: "/proxmox/api2", route: "/proxmox/api2/{*path}" },
    Place { product: Product::Pbs, prefix: "/pbs/api2", route: "/pbs/api2/{*path}" },
    Place { product: Product::Pdm, prefix: "/pdm/api2", route: "/pdm/api2/{*path}" },
];

impl Place {
    /// What follows its prefix.
    fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.strip_prefix(self.prefix).filter(|rest| rest.len() > 1 && rest.starts_with('/'))
    }
}

/// The place that a path is below, if it is one of the proxy's.
pub(crate) fn place_of(path: &str) -> Option<&'static Place> {
    PLACES.iter().find(|place| place.below(path).is_some())
}

/// The same with what follows it.
pub(super) fn below(path: &str) -> Result<(&'static Place, &str), ApiError> {
    let found = PLACES.iter().find_map(|place| Some((place, place.below(path)?)));
    found.ok_or_else(|| ApiError::not_found(format!("{path} is no path of the proxy.")))
}

static PVE: LazyLock<OpIndex> = LazyLock::new(|| index(&pve::ROUTES));
static PBS: LazyLock<OpIndex> = LazyLock::new(|| index(&pbs::ROUTES));
static PDM: LazyLock<OpIndex> = LazyLock::new(|| index(&pdm::ROUTES));

fn index(routes: &'static [Route]) -> OpIndex {
    OpIndex::new(routes.iter().map(|route| route.op))
}

/// All operations of a product.
pub(crate) fn api_of(product: Product) -> &'static OpIndex {
    match product {
        Product::Pve => &PVE,
        Product::Pbs => &PBS,
        Product::Pdm => &PDM,
    }
}

/// Asks a server for its release: the least that it can be asked.
pub(crate) async fn version(client: &Client) -> Result<(), Error> {
    let known = api_of(client.product()).find("GET", "/version");
    let op = known.ok_or_else(|| Error::Invalid("there is no /version".into()))?.op;
    client.answer(Request::new(op, &[])).await.map(drop)
}

/// The releases of a product that have been described, oldest first.
pub(crate) fn releases(product: Product) -> &'static [Release] {
    match product {
        Product::Pve => &pve::RELEASES,
        Product::Pbs => &pbs::RELEASES,
        Product::Pdm => &pdm::RELEASES,
    }
}

/// The newest described release of a line: `9.1` means 9.1.3.
pub(super) fn release(product: Product, text: &str) -> Result<Release, ApiError> {
    let known = releases(product);
    if text == "latest" {
        return known.last().copied().ok_or_else(|| unknown(product, text));
    }
    let asked: Release = text.parse().map_err(|_| unknown(product, text))?;
    let found = known.iter().rev().find(|known| **known == asked || known.line() == asked.line());
    found.copied().ok_or_else(|| unknown(product, text))
}

fn unknown(product: Product, text: &str) -> ApiError {
    let known: Vec<String> = releases(product).iter().map(ToString::to_string).collect();
    let detail =
        format!("{product} {text} is not described here; these are: {}.", known.join(", "));
    ApiError::not_found(detail)
}

/// The release that a path begins with, and the operation's own path. `json`, and nothing, mean
/// whatever release the server has.
pub(super) fn release_of(
    product: Product,
    path: &str,
) -> Result<(Option<Release>, &str), ApiError> {
    let below = path.strip_prefix('/').unwrap_or(path);
    let (first, rest) = below.split_at(below.find('/').unwrap_or(below.len()));
    match first {
        "json" => Ok((None, rest)),
        "latest" => Ok((Some(release(product, first)?), rest)),
        _ if first.starts_with(|c: char| c.is_ascii_digit()) => {
            Ok((Some(release(product, first)?), rest))
        }
        _ => Ok((None, path)),
    }
}

/// The operation for a path, where the release has it.
pub(super) fn find(
    product: Product,
    method: &Method,
    path: &str,
    release: Option<Release>,
) -> Result<Matched, ApiError> {
    let index = api_of(product);
    let Some(matched) = index.find(method.as_str(), path) else {
        let methods = index.methods(path);
        if methods.is_empty() {
            return Err(ApiError::not_found(format!("{product} has no path {path}.")));
        }
        let methods = methods.join(", ");
        let detail = format!("{path} takes {methods} and not {method}.");
        let error = ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", detail);
        return Err(error.allow(&methods));
    };
    match release {
        Some(release) if !matched.op.availability.has(release) => {
            let detail = format!(
                "{} is not in {product} {release}: {}.",
                matched.op, matched.op.availability
            );
            Err(ApiError::not_found(detail))
        }
        _ => Ok(matched),
    }
}

/// The operations that a release has.
pub(super) fn ops_of(product: Product, release: Release) -> impl Iterator<Item = &'static Op> {
    api_of(product).ops().filter(move |op| op.availability.has(release))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_release_has_its_own_operations() {
        let count = |text| {
            let release = release(Product::Pve, text).unwrap();
            ops_of(Product::Pve, release).count()
        };
        // 646 in 9.1.1, and 649 in the newest 9.1.
        assert_eq!((count("9.1"), count("9.2"), count("latest")), (649, 675, 675));
        assert!(release(Product::Pve, "7.4").is_err() && release(Product::Pve, "x").is_err());
    }

    #[test]
    fn a_path_may_name_its_release() {
        let of = |path| {
            release_of(Product::Pve, path)
                .map(|(release, rest)| (release.map(|release| release.line()), rest.to_owned()))
        };
        for (path, release, rest) in [
            ("/json/nodes", None, "/nodes"),
            ("/9.1/nodes", Some((9, 1)), "/nodes"),
            ("/9.1.3/nodes", Some((9, 1)), "/nodes"),
            ("/latest/version", Some((9, 2)), "/version"),
            ("/nodes/pve1", None, "/nodes/pve1"),
        ] {
            assert_eq!(of(path).unwrap(), (release, rest.to_owned()), "{path}");
        }
        assert!(of("/1.0/nodes").is_err());
    }

    #[test]
    fn what_there_is_not_and_what_takes_another_method_are_told_apart() {
        let status = |method, path, release| {
            find(Product::Pve, &method, path, release)
                .map_err(|error| error.status().as_u16())
                .err()
        };
        assert_eq!(status(Method::GET, "/nodes", None), None);
        assert_eq!(status(Method::GET, "/nothing", None), Some(404));
        assert_eq!(status(Method::PATCH, "/nodes", None), Some(405));
        let newer = api_of(Product::Pve).ops().find(|op| op.availability.since.is_some());
        let newer = newer.unwrap();
        let method: Method = newer.method.as_str().parse().unwrap();
        let oldest = releases(Product::Pve)[0];
        assert_eq!(status(method, newer.path, Some(oldest)), Some(404), "{newer}");
    }
}
