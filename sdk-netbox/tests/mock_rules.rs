//! The mock enforces what NetBox enforces, in NetBox's words. The expected answers were recorded
//! from NetBox 4.6.8.

#![allow(clippy::unwrap_used, clippy::panic)]

use http::Method;
use sdk_netbox::Client;
use sdk_netbox::mock::Mock;
use serde_json::{Value, json};

/// A mock with a site, a cluster, a virtual machine with an interface and two disks, a device.
async fn furnished() -> (Mock, Client) {
    let mock = Mock::start().await.unwrap();
    let netbox = Client::builder(mock.url()).token(mock.token()).build().unwrap();
    let a = json!({"name": "a", "slug": "a"});
    let objects = [
        ("dcim/sites/", a.clone()),
        ("dcim/manufacturers/", a.clone()),
        ("dcim/device-types/", json!({"manufacturer": {"slug": "a"}, "model": "a", "slug": "a"})),
        ("dcim/device-roles/", a.clone()),
        ("dcim/devices/", json!({"name": "a", "site": 1, "role": 1, "device_type": 1})),
        ("extras/tags/", a.clone()),
        ("virtualization/cluster-types/", a),
        (
            "virtualization/clusters/",
            json!({"name": "a", "type": 1, "scope_type": "dcim.site", "scope_id": 1}),
        ),
        ("virtualization/virtual-machines/", json!({"name": "a", "cluster": 1})),
        ("virtualization/interfaces/", json!({"virtual_machine": 1, "name": "e0"})),
        (
            "virtualization/virtual-disks/",
            json!([
                {"virtual_machine": 1, "name": "d0", "size": 10},
                {"virtual_machine": 1, "name": "d1", "size": 11},
            ]),
        ),
        ("ipam/ip-addresses/", json!({"address": "10.0.0.5/24"})),
    ];
    for (path, body) in objects {
        let result = netbox.raw(Method::POST, path, &[], Some(body)).await;
        result.unwrap_or_else(|error| panic!("{error}"));
    }
    (mock, netbox)
}

fn on_interface(address: &str) -> Value {
    json!({
        "address": address,
        "assigned_object_type": "virtualization.vminterface",
        "assigned_object_id": 1,
    })
}

#[tokio::test]
async fn what_netbox_refuses_is_refused_in_its_words() {
    let (_mock, netbox) = furnished().await;
    let vms = "virtualization/virtual-machines/";
    let cases = [
        ("POST", "dcim/sites/", json!({"name": "x"}), "slug: This field is required"),
        (
            "POST",
            "dcim/sites/",
            json!({"name": "", "slug": "x"}),
            "name: This field may not be blank",
        ),
        (
            "POST",
            "dcim/sites/",
            json!({"name": "a", "slug": "x"}),
            "name: site with this name already",
        ),
        (
            "POST",
            "dcim/sites/",
            json!({"name": "x", "slug": "a b"}),
            "slug: Enter a valid \"slug\"",
        ),
        ("POST", "dcim/sites/", json!({"name": "x".repeat(101), "slug": "x"}), "no more than 100"),
        (
            "POST",
            "dcim/sites/",
            json!({"name": "x", "slug": "x", "status": "y"}),
            "y is not a valid choice",
        ),
        ("POST", "dcim/sites/", json!({"name": "x", "slug": "x", "region": 9}), "numeric ID: 9"),
        (
            "POST",
            "dcim/sites/",
            json!({"name": "x", "slug": "x", "tags": [{"slug": "z"}]}),
            "provided attributes: {'slug': 'z'}",
        ),
        (
            "POST",
            "dcim/sites/",
            json!({"name": "x", "slug": "x", "custom_fields": {"z": 1}}),
            "custom_fields.z: Custom field 'z' does not exist",
        ),
        ("POST", "dcim/sites/", json!("x"), "Expected a dictionary, but got str"),
        ("PATCH", "dcim/sites/1/", json!({"name": null}), "name: This field may not be null"),
        (
            "PATCH",
            "dcim/sites/1/",
            json!({"status": {"value": "active"}}),
            "do not use a dictionary",
        ),
        ("PATCH", "dcim/sites/1/", json!({"latitude": 91}), "less than or equal to 90"),
        ("PUT", "dcim/sites/1/", json!({"name": "x"}), "slug: This field is required"),
        (
            "POST",
            "dcim/device-roles/",
            json!({"name": "b", "slug": "b", "color": "red"}),
            "RGB color",
        ),
        (
            "POST",
            "dcim/device-types/",
            json!({"manufacturer": 1, "model": "a", "slug": "b"}),
            "Device type with this Manufacturer and Model already exists",
        ),
        (
            "POST",
            "dcim/devices/",
            json!({"name": "A", "site": 1, "role": 1, "device_type": 1}),
            "Device name must be unique per site",
        ),
        ("POST", vms, json!({"name": "A", "cluster": 1}), "must be unique per cluster"),
        ("POST", vms, json!({"name": "b"}), "must be assigned to a site, cluster, or device"),
        (
            "PATCH",
            "virtualization/virtual-machines/1/",
            json!({"disk": 5}),
            "aggregate size of assigned",
        ),
        (
            "PATCH",
            "virtualization/virtual-machines/1/",
            json!({"primary_ip4": 1}),
            "is not assigned to this VM",
        ),
        ("PATCH", "dcim/devices/1/", json!({"primary_ip4": 1}), "is not assigned to this device"),
        (
            "POST",
            "virtualization/interfaces/",
            json!({"virtual_machine": 1, "name": "e0"}),
            "Interface with this Virtual machine and Name already exists",
        ),
        (
            "POST",
            "ipam/ip-addresses/",
            json!({"address": "10.0.0.5/32"}),
            "Duplicate IP address found in global",
        ),
        ("POST", "ipam/ip-addresses/", json!({"address": "x"}), "Invalid IP address format: x"),
        ("POST", "ipam/ip-addresses/", on_interface("10.0.0.0/24"), "is a network ID"),
        ("POST", "ipam/ip-addresses/", on_interface("10.0.0.255/24"), "is a broadcast address"),
        ("POST", "dcim/mac-addresses/", json!({"mac_address": "x"}), "Invalid MAC address format"),
        ("DELETE", "dcim/sites/1/", json!({}), "409 Unable to delete object. 2 dependent objects"),
        ("DELETE", "dcim/sites/", json!([1]), "Expected a dictionary, but got int"),
        ("GET", "dcim/sites/7/", json!({}), "404 No Site matches the given query"),
    ];
    for (method, path, body, words) in cases {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let result = netbox.raw(method.clone(), path, &[], Some(body.clone())).await;
        let error = result.expect_err(&format!("{method} {path} {body}"));
        assert!(error.to_string().contains(words), "{body}: {error}");
    }
}

#[tokio::test]
async fn filters_with_values_that_cannot_be_meant_are_refused_and_unknown_ones_ignored() {
    let (_mock, netbox) = furnished().await;
    let cases = [
        ("dcim/devices/", "site_id", "99", "Select a valid choice. 99"),
        ("dcim/devices/", "site_id", "x", "is not a valid value"),
        ("dcim/devices/", "site", "x", "Select a valid choice. x"),
        ("dcim/devices/", "id", "x", "Enter a whole number"),
        ("dcim/devices/", "status", "x", "Select a valid choice. x"),
        ("dcim/devices/", "tag", "x", "Select a valid choice. x"),
        ("ipam/ip-addresses/", "vminterface_id", "x", "is not a valid value"),
    ];
    for (path, name, value, words) in cases {
        let error = netbox.raw(Method::GET, path, &[(name, value)], None).await.unwrap_err();
        assert!(error.to_string().contains(words), "{name}={value}: {error}");
    }
    let all = netbox.raw(Method::GET, "dcim/devices/", &[("nmae", "x")], None).await.unwrap();
    assert_eq!(all["count"], 1);
}

#[tokio::test]
async fn a_bulk_write_is_stored_as_a_whole_or_not_at_all() {
    let (mock, netbox) = furnished().await;
    let tags = "extras/tags/";
    let send = |method, body: Value| netbox.raw(method, tags, &[], Some(body));
    let bodies = json!([{"name": "b", "slug": "b"}, {"name": "a", "slug": "c"}]);
    let error = send(Method::POST, bodies).await.unwrap_err();
    let rows = &error.api().unwrap().rows;
    assert_eq!(rows.iter().map(|row| row.fields.is_empty()).collect::<Vec<_>>(), [true, false]);
    let twice = json!([{"name": "b", "slug": "b"}, {"name": "b", "slug": "b"}]);
    let error = send(Method::POST, twice).await.unwrap_err();
    assert_eq!(error.api().unwrap().exception.as_deref(), Some("IntegrityError"));
    let error =
        send(Method::PATCH, json!([{"id": 1, "description": "x"}, {"id": 1, "color": "x"}])).await;
    assert!(error.is_err());
    assert_eq!(mock.count("extras/tags"), 1);
    assert_eq!(mock.objects("extras/tags")[0]["description"], "");
    assert_eq!(send(Method::PATCH, json!([])).await.unwrap(), json!([]));
    assert_eq!(send(Method::PATCH, json!([{"id": 99}])).await.unwrap(), json!([]));
}

#[tokio::test]
async fn what_belongs_to_a_deleted_object_goes_with_it() {
    let (mock, netbox) = furnished().await;
    let address = on_interface("10.0.1.5/24");
    netbox.raw(Method::POST, "ipam/ip-addresses/", &[], Some(address)).await.unwrap();
    let patch = json!({"primary_ip4": 2, "tags": [{"slug": "a"}]});
    let vm = "virtualization/virtual-machines/1/";
    let shown = netbox.raw(Method::PATCH, vm, &[], Some(patch)).await.unwrap();
    assert_eq!(shown["primary_ip"]["address"], "10.0.1.5/24");
    assert_eq!((&shown["disk"], &shown["virtual_disk_count"]), (&json!(21), &json!(2)));
    netbox.raw(Method::DELETE, "virtualization/virtual-disks/1/", &[], None).await.unwrap();
    netbox.raw(Method::DELETE, "extras/tags/1/", &[], None).await.unwrap();
    netbox.raw(Method::DELETE, "ipam/ip-addresses/2/", &[], None).await.unwrap();
    let shown = netbox.raw(Method::GET, vm, &[], None).await.unwrap();
    assert_eq!(
        (&shown["disk"], &shown["tags"], &shown["primary_ip4"]),
        (&json!(11), &json!([]), &Value::Null)
    );
    netbox.raw(Method::DELETE, vm, &[], None).await.unwrap();
    assert_eq!(
        mock.count("virtualization/interfaces") + mock.count("virtualization/virtual-disks"),
        0
    );
}

#[tokio::test]
async fn changes_are_logged_unless_nothing_changed() {
    let (mock, netbox) = furnished().await;
    let before = mock.count("core/object-changes");
    let patch = |text: &str| Some(json!({"description": text, "changelog_message": "why"}));
    let first = netbox.raw(Method::PATCH, "dcim/sites/1/", &[], patch("x")).await.unwrap();
    let second = netbox.raw(Method::PATCH, "dcim/sites/1/", &[], patch("x")).await.unwrap();
    assert_ne!(first["last_updated"], second["last_updated"]);
    assert_eq!(mock.count("core/object-changes"), before + 1);
    let query = [("changed_object_type", "dcim.site"), ("action", "update")];
    let log = netbox.raw(Method::GET, "core/object-changes/", &query, None).await.unwrap();
    assert_eq!(log["count"], 1);
    let change = &log["results"][0];
    assert_eq!((&change["message"], &change["action"]["value"]), (&json!("why"), &json!("update")));
    assert_eq!(change["prechange_data"]["description"], "");
}

#[tokio::test]
async fn custom_fields_are_defined_before_they_are_used() {
    let (_mock, netbox) = furnished().await;
    let field = json!({"name": "vmid", "type": "integer", "object_types": ["virtualization.virtualmachine"]});
    netbox.raw(Method::POST, "extras/custom-fields/", &[], Some(field)).await.unwrap();
    let vm = "virtualization/virtual-machines/1/";
    let shown = netbox.raw(Method::GET, vm, &[], None).await.unwrap();
    assert_eq!(shown["custom_fields"], json!({"vmid": null}));
    let set = |value: Value| Some(json!({"custom_fields": {"vmid": value}}));
    netbox.raw(Method::PATCH, vm, &[], set(json!(101))).await.unwrap();
    let query = [("cf_vmid", "101"), ("fields", "id")];
    let list =
        netbox.raw(Method::GET, "virtualization/virtual-machines/", &query, None).await.unwrap();
    assert_eq!(list["results"], json!([{"id": 1}]));
    let error = netbox.raw(Method::PATCH, vm, &[], set(json!("x"))).await.unwrap_err();
    assert!(error.to_string().contains("Value must be an integer"), "{error}");
}
