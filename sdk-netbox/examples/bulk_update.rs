//! Updates many objects in one request. One that NetBox refuses does not cost the others.

mod common;

use std::error::Error;

use sdk_netbox::ops::extras::{TAGS_BULK_DESTROY, TAGS_BULK_PARTIAL_UPDATE, TAGS_CREATE};
use sdk_netbox::types::{PatchedBulkTagRequest, TagRequest};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (netbox, _mock) = common::client().await?;
    let tags: Vec<TagRequest> =
        (1..=5).map(|n| TagRequest::new(format!("Example {n}"), format!("example-{n}"))).collect();
    let created = netbox.create_all(&TAGS_CREATE, &tags).await?;
    let ids: Vec<i64> = created.written().map(|tag| tag.id).collect();

    let color = |(place, id): (usize, &i64)| {
        // The third is no colour.
        let color = if place == 2 { "red" } else { "00aa00" };
        PatchedBulkTagRequest::new(*id).color(color)
    };
    let bodies: Vec<_> = ids.iter().enumerate().map(color).collect();
    let bulk = netbox.update_all(&TAGS_BULK_PARTIAL_UPDATE, &bodies).await?;
    println!("{} of {} updated", bulk.written().count(), bodies.len());
    for failed in bulk.failed() {
        println!("{failed}");
    }
    netbox.delete_all(&TAGS_BULK_DESTROY, &ids, None).await?;
    Ok(())
}
