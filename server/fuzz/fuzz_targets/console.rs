//! What a terminal shows, cut anyhow: the same is found.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proxbox::console::{Demux, Sentinels};

fuzz_target!(|data: (u8, &[u8])| {
    let (cut, shown) = data;
    let shown = [b"pxb-begin-s\n".as_slice(), shown, b"\npxb-end-s:0\n"].concat();
    let demux = || Demux::new(Sentinels::of("s".to_owned()));
    let whole = demux().take(&shown);
    let mut parts = demux();
    let cut: Vec<_> =
        shown.chunks(usize::from(cut) + 1).flat_map(|part| parts.take(part)).collect();
    assert_eq!(whole, cut);
});
