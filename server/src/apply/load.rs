//! How much NetBox is asked to do at a time, by how it has fared so far.

use crate::plan::{Kind, Stage};

/// Requests at the same time, while NetBox copes: twice as many as a small one has cores, so that none
/// waits for the network.
const MOST: usize = 4;

/// One more request at the same time after so many that went well.
const WELL: usize = 50;

/// After so many requests in a row that NetBox was too weak for, nothing more is sent.
const ENOUGH: usize = 5;

/// What NetBox bears.
#[derive(Debug)]
pub(super) struct Load {
    lanes: usize,
    well: usize,
    badly: usize,
}

impl Default for Load {
    fn default() -> Self {
        Self { lanes: MOST, well: 0, badly: 0 }
    }
}

impl Load {
    /// Requests of a stage at the same time. IP addresses go one after another: NetBox creates them
    /// under one lock.
    pub(super) fn lanes(&self, stage: Stage) -> usize {
        match stage.kind() {
            Kind::IpAddress => 1,
            _ => self.lanes,
        }
    }

    /// A request was answered, be it with a refusal.
    pub(super) fn well(&mut self) {
        self.badly = 0;
        self.well += 1;
        if self.well.is_multiple_of(WELL) {
            self.lanes = MOST.min(self.lanes + 1);
        }
    }

    /// NetBox was too slow or too busy for a request.
    pub(super) fn badly(&mut self) {
        self.badly += 1;
        self.well = 0;
        self.lanes = 1.max(self.lanes / 2);
    }

    /// Whether it had better be left alone.
    pub(super) fn is_too_much(&self) -> bool {
        self.badly >= ENOUGH
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGE: Stage = Stage::Write(Kind::VirtualDisk);

    #[test]
    fn a_netbox_that_copes_gets_more_at_a_time_and_one_that_does_not_gets_less() {
        let mut load = Load::default();
        assert_eq!((load.lanes(STAGE), load.lanes(Stage::Write(Kind::IpAddress))), (MOST, 1));
        load.badly();
        assert_eq!(load.lanes(STAGE), MOST / 2);
        (0..3).for_each(|_| load.badly());
        assert_eq!(load.lanes(STAGE), 1);
        (0..WELL).for_each(|_| load.well());
        assert_eq!(load.lanes(STAGE), 2);
        (0..10 * WELL).for_each(|_| load.well());
        assert_eq!(load.lanes(STAGE), MOST);
    }

    #[test]
    fn a_netbox_that_fails_again_and_again_is_left_alone() {
        let mut load = Load::default();
        (1..ENOUGH).for_each(|_| load.badly());
        assert!(!load.is_too_much());
        load.well();
        (1..ENOUGH).for_each(|_| load.badly());
        assert!(!load.is_too_much());
        load.badly();
        assert!(load.is_too_much());
    }
}
