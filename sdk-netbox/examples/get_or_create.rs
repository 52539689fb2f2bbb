//! Makes sure that a device is there, with all that it needs; a second run creates nothing.

mod common;

use std::error::Error;

use sdk_netbox::filters::dcim::{device_roles, device_types, devices, manufacturers, sites};
use sdk_netbox::ops::dcim::*;
use sdk_netbox::runtime::IdOr;
use sdk_netbox::types::{
    ManufacturerRequest, WritableDeviceRoleRequest, WritableDeviceTypeRequest,
    WritableDeviceWithConfigContextRequest, WritableSiteRequest,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (netbox, _mock) = common::client().await?;
    for round in 1..=2 {
        let site = WritableSiteRequest::new("Berlin", "berlin");
        let site = netbox
            .get_or_create(&SITES_LIST, [sites::SLUG.eq("berlin")], &SITES_CREATE, &site)
            .await?;
        let maker = ManufacturerRequest::new("Example", "example");
        let by_slug = [manufacturers::SLUG.eq("example")];
        let maker = netbox
            .get_or_create(&MANUFACTURERS_LIST, by_slug, &MANUFACTURERS_CREATE, &maker)
            .await?;
        let maker = IdOr::Id(maker.into_inner().id);
        let model = WritableDeviceTypeRequest::new(maker, "Server", "server");
        let by_slug = [device_types::SLUG.eq("server")];
        let model =
            netbox.get_or_create(&DEVICE_TYPES_LIST, by_slug, &DEVICE_TYPES_CREATE, &model).await?;
        let role = WritableDeviceRoleRequest::new("Node", "node");
        let by_slug = [device_roles::SLUG.eq("node")];
        let role =
            netbox.get_or_create(&DEVICE_ROLES_LIST, by_slug, &DEVICE_ROLES_CREATE, &role).await?;
        let device = WritableDeviceWithConfigContextRequest::new(
            IdOr::Id(model.into_inner().id),
            IdOr::Id(role.into_inner().id),
            IdOr::Id(site.into_inner().id),
        )
        .name("pve01".to_owned());
        let by_name = [devices::NAME.eq("pve01")];
        let device = netbox.get_or_create(&DEVICES_LIST, by_name, &DEVICES_CREATE, &device).await?;
        println!("round {round}: {device:?}", device = device.into_inner().name);
    }
    println!("{:?}", netbox.counters());
    Ok(())
}
