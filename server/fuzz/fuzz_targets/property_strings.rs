//! Property strings of every type: what can be parsed is printed so that it says the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sdk_proxmox::pve::recode::PROPERTIES;

fuzz_target!(|data: (u8, &str)| {
    let (which, text) = data;
    let (_, reprint) = PROPERTIES[usize::from(which) % PROPERTIES.len()];
    if let Ok((members, printed)) = reprint(text) {
        let (again, _) = reprint(&printed).expect("what was printed can be parsed");
        assert_eq!(members, again, "{text:?} became {printed:?}");
    }
});
