//! Names of tasks: what can be read is shown as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sdk_proxmox::Upid;

fuzz_target!(|text: &str| {
    if let Ok(upid) = text.parse::<Upid>() {
        assert_eq!(upid.as_str(), text);
    }
});
