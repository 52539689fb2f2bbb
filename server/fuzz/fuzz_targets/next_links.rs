//! Links to the next page of a list: only a place in it is taken from them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = sdk_netbox::cursor_of(text);
});
