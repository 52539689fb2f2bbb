//! The routes of the plugin's contract.

use axum::http::Method;
use axum::routing::get as only_get;
use sdk_proxmox::Product;

use super::{
    about, admin, cache, endpoints, extras, full_update, individual, keys, netbox_endpoint,
    netbox_reads, proxmox, socket, stages,
};
use crate::auth::Scope;
use crate::edge::{Need, Routes, delete, get, post, put};
use crate::logs::LogLine;
use crate::store::NetboxEndpoint;

/// All of them.
pub(crate) fn routes() -> Routes {
    about_routes()
        .merge(key_routes())
        .merge(admin_routes())
        .merge(netbox_routes())
        .merge(endpoints::routes(Product::Pve, "/proxmox"))
        .merge(endpoints::routes(Product::Pbs, "/pbs"))
        .merge(endpoints::routes(Product::Pdm, "/pdm"))
        .merge(update_routes())
        .merge(stages::routes())
        .merge(individual::routes())
        .merge(proxmox::routes())
}

fn about_routes() -> Routes {
    Routes::new("about")
        .add(get("/", about::root).open().says("Says who answers here.").answers::<about::About>())
        .add(
            get("/health", about::health)
                .open()
                .says("Says that requests are taken.")
                .answers::<about::Health>(),
        )
        .add(
            get("/version", about::version)
                .any_key()
                .says("Says which contract is spoken.")
                .answers::<about::Version>(),
        )
        .add(
            get("/cache", cache::show)
                .needs(Scope::Read)
                .says("Says what is kept between requests."),
        )
        .add(get("/cache/metrics", cache::metrics).needs(Scope::Read).says("The same as numbers."))
        .add(
            get("/cache/metrics/prometheus", cache::prometheus)
                .needs(Scope::Read)
                .says("The same for Prometheus.")
                .sends("text/plain"),
        )
        .add(
            get("/clear-cache", cache::clear)
                .needs(Scope::Admin)
                .says("Forgets connections, logins and keys that were checked of late."),
        )
}

fn key_routes() -> Routes {
    Routes::new("keys")
        .add(
            get("/auth/bootstrap-status", keys::bootstrap_status)
                .open()
                .says("Says whether the first key is still to be registered.")
                .answers::<keys::BootstrapStatus>(),
        )
        .add(
            post("/auth/register-key", keys::register_first)
                .open()
                .says("Registers the first key: 201 once, 409 for ever after.")
                .takes::<keys::FirstKey>()
                .with(201),
        )
        .add(
            get("/auth/keys", keys::list)
                .needs(Scope::Admin)
                .says("Lists all keys without their secrets.")
                .answers::<keys::KeyList>(),
        )
        .add(
            post("/auth/keys", keys::create)
                .needs(Scope::Admin)
                .says("Makes a key and shows it this once.")
                .takes::<keys::NewKey>()
                .with(201),
        )
        .add(
            delete("/auth/keys/{id}", keys::delete)
                .needs(Scope::Admin)
                .says("Deletes a key, unless it is the last one that may do everything.")
                .with(204),
        )
        .add(
            post("/auth/keys/{id}/activate", keys::activate)
                .needs(Scope::Admin)
                .says("Switches a key on.")
                .answers::<keys::KeyRow>(),
        )
        .add(
            post("/auth/keys/{id}/deactivate", keys::deactivate)
                .needs(Scope::Admin)
                .says("Switches a key off, unless it is the last one that may do everything.")
                .answers::<keys::KeyRow>(),
        )
}

fn admin_routes() -> Routes {
    Routes::new("admin")
        .add(
            get("/admin/logs", admin::logs)
                .needs(Scope::Admin)
                .query("level", "string", "DEBUG, INFO, WARNING or ERROR")
                .query("errors_only", "boolean", "Only warnings and errors")
                .query("operation_id", "string", "Only of this run or request")
                .query("since", "string", "Only from this time on: RFC 3339")
                .query("newer_than_id", "integer", "Only lines behind this one")
                .query("older_than_id", "integer", "Only lines before this one")
                .query("limit", "integer", "1 to 5000; 200")
                .query("offset", "integer", "So many are left out")
                .says("Lists what was logged of late, newest first, without secrets.")
                .answers::<admin::Page>(),
        )
        .add(
            get("/admin/logs/stream", admin::stream)
                .needs(Scope::Admin)
                .says("Streams what is logged as events `log`.")
                .sends("text/event-stream")
                .answers::<LogLine>(),
        )
        .add(
            get("/admin/encryption/status", admin::encryption)
                .needs(Scope::Admin)
                .says("Says where the keys for credentials come from, and whether they open all of them.")
                .answers::<admin::Encryption>(),
        )
        .add(
            post("/admin/encryption/key", admin::set_key)
                .needs(Scope::Admin)
                .says("Seals all credentials anew with this key, and keeps it in the key file; 409 where the keys come from the environment.")
                .takes::<admin::OwnKey>()
                .answers::<admin::Encryption>(),
        )
        .add(
            post("/admin/encryption/generate", admin::generate_key)
                .needs(Scope::Admin)
                .says("The same with a new key, which stays in the key file and is not shown.")
                .answers::<admin::Encryption>(),
        )
        .add(
            delete("/admin/encryption/key", admin::delete_key)
                .needs(Scope::Admin)
                .says("Forgets the key; 409 while credentials are sealed with it.")
                .answers::<admin::Encryption>(),
        )
}

fn netbox_routes() -> Routes {
    Routes::new("netbox")
        .add(
            get("/netbox/endpoint", netbox_endpoint::list)
                .needs(Scope::Read)
                .says("Lists the endpoint: an array of none or one."),
        )
        .add(
            post("/netbox/endpoint", netbox_endpoint::create)
                .needs(Scope::Admin)
                .says("Stores the endpoint; 400 when there is one already.")
                .takes::<netbox_endpoint::NetboxEndpointBody>()
                .answers::<NetboxEndpoint>(),
        )
        .add(
            get("/netbox/endpoint/{id}", netbox_endpoint::show)
                .needs(Scope::Read)
                .says("Shows the endpoint.")
                .answers::<NetboxEndpoint>(),
        )
        .add(
            put("/netbox/endpoint/{id}", netbox_endpoint::update)
                .needs(Scope::Admin)
                .says("Changes the endpoint; credentials that are left out stay.")
                .takes::<netbox_endpoint::NetboxEndpointBody>()
                .answers::<NetboxEndpoint>(),
        )
        .add(
            delete("/netbox/endpoint/{id}", netbox_endpoint::delete)
                .needs(Scope::Admin)
                .says("Deletes the endpoint with its credentials."),
        )
        .add(
            get("/netbox/status", netbox_reads::status)
                .needs(Scope::Read)
                .says("Answers what NetBox says of itself."),
        )
        .add(
            get("/netbox/openapi", netbox_reads::openapi)
                .needs(Scope::Read)
                .says("Answers NetBox's OpenAPI document."),
        )
        .add(
            get("/virtualization/virtual-machines/", netbox_reads::machines)
                .needs(Scope::Read)
                .says("Lists the virtual machines that NetBox has, a page at a time.")
                .query("limit", "integer", "1 to 1000; 100")
                .query("offset", "integer", "So many are left out"),
        )
        .add(
            get("/virtualization/virtual-machines/{id}", netbox_reads::machine)
                .needs(Scope::Read)
                .says("Shows a virtual machine as NetBox has it."),
        )
        .add(
            get("/dcim/devices", netbox_reads::devices)
                .needs(Scope::Read)
                .says("Lists the devices of Proxmox nodes that NetBox has, a page at a time.")
                .query("limit", "integer", "1 to 1000; 100")
                .query("offset", "integer", "So many are left out"),
        )
}

fn update_routes() -> Routes {
    Routes::new("sync")
        .add(
            get("/full-update", full_update::result)
                .needs(Scope::SyncRun)
                .chooses_endpoints()
                .says(
                    "Syncs everything and answers what came of it; 409 while another run writes.",
                ),
        )
        .add(
            get("/full-update/stream", full_update::stream)
                .needs(Scope::SyncRun)
                .chooses_endpoints()
                .says("The same as server-sent events, ending in `complete`.")
                .sends("text/event-stream"),
        )
        .add(
            get("/sync/active", full_update::active)
                .needs(Scope::Read)
                .says("Says which runs are under way."),
        )
        .hidden(Method::GET, "/ws", Need::Nothing, only_get(socket::commands))
        .hidden(Method::GET, "/ws/test", Need::Nothing, only_get(socket::commands))
        .hidden(Method::GET, "/ws/virtual-machines", Need::Nothing, only_get(socket::guests))
        .add(
            get("/extras/bootstrap-status", extras::bootstrap_status)
                .needs(Scope::Read)
                .says("Says what the last run found and made of what runs stand on."),
        )
        .add(
            get("/extras/extras/custom-fields/create", extras::custom_fields)
                .needs(Scope::SyncRun)
                .says("Creates what is missing, and answers the custom fields as NetBox has them."),
        )
        .add(
            post("/extras/custom-fields/reconcile", extras::custom_fields)
                .needs(Scope::SyncRun)
                .says("The same."),
        )
}
