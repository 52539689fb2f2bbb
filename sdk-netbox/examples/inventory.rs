//! Creates, lists and deletes some objects, in a mock or in the NetBox that `NETBOX_URL` and
//! `NETBOX_TOKEN` name.

use futures_util::TryStreamExt;
use sdk_netbox::mock::Mock;
use sdk_netbox::types::WritableSiteRequest;
use sdk_netbox::{Client, Ensured, filters, ops};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mock = Mock::start().await?;
    let url = std::env::var("NETBOX_URL").unwrap_or_else(|_| mock.url());
    let token = std::env::var("NETBOX_TOKEN").unwrap_or_else(|_| mock.token().to_owned());
    let netbox = Client::builder(url).token(token).build()?;
    println!("NetBox {} at {}", netbox.status().await?.version, netbox.url());

    let wanted = site("Berlin");
    let by_slug = [filters::dcim::sites::SLUG.eq("sdk-berlin")];
    let berlin = netbox
        .get_or_create(&ops::dcim::SITES_LIST, by_slug, &ops::dcim::SITES_CREATE, &wanted)
        .await?;
    match &berlin {
        Ensured::Created(site) => println!("created site {}", site.id),
        Ensured::Existing(site) => println!("found site {}", site.id),
    }

    // The middle one is refused, because the slug is taken; the others are created nevertheless.
    let sites = [site("Paris"), site("Berlin"), site("Rome")];
    let bulk = netbox.create_all(&ops::dcim::SITES_CREATE, &sites).await?;
    println!("created {} of {}", bulk.written().count(), sites.len());
    for failed in bulk.failed() {
        println!("  {failed}");
    }

    let mut found = std::pin::pin!(
        netbox
            .list(&ops::dcim::SITES_LIST, [filters::dcim::sites::SLUG.isw("sdk-")])
            .fields(["name", "slug", "status"])
            .ordering("name")
            .limit(2)
            .stream()
    );
    let mut ids = Vec::new();
    while let Some(site) = found.try_next().await? {
        println!("site {} {}", site.id, site.name.as_deref().unwrap_or_default());
        ids.push(site.id);
    }
    netbox.delete_all(&ops::dcim::SITES_BULK_DESTROY, &ids, None).await?;
    println!("{:?}", netbox.counters());
    Ok(())
}

fn site(name: &str) -> WritableSiteRequest {
    WritableSiteRequest::new(name, format!("sdk-{}", name.to_lowercase()))
}
