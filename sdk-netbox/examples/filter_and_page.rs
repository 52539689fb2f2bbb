//! Reads a long list page by page, filtered by operators that the field has.

mod common;

use std::error::Error;

use futures_util::TryStreamExt;
use sdk_netbox::filters::extras::tags;
use sdk_netbox::ops::extras::{TAGS_CREATE, TAGS_LIST};
use sdk_netbox::types::TagRequest;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (netbox, mock) = common::client().await?;
    if mock.is_some() {
        let tags: Vec<TagRequest> =
            (1..=25).map(|n| TagRequest::new(format!("Tag {n}"), format!("tag-{n}"))).collect();
        netbox.create_all(&TAGS_CREATE, &tags).await?;
    }
    // A repeated filter means "one of"; several filters mean "all of".
    let wanted = [tags::SLUG.isw("tag-"), tags::SLUG.nie("tag-7")];
    let mut found =
        std::pin::pin!(netbox.list(&TAGS_LIST, wanted).fields(["name"]).limit(10).stream());
    let mut count = 0;
    while let Some(tag) = found.try_next().await? {
        count += 1;
        println!("{count:>3} {:>5} {}", tag.id, tag.name.unwrap_or_default());
    }
    println!("{:?}", netbox.counters());
    Ok(())
}
