//! Finds the output of a command between its sentinels in what a terminal shows.

use std::fmt;

use vte::{Parser, Perform};

use super::script::Sentinels;

/// Longer lines are cut: a terminal may show anything.
const LONGEST: usize = 64 * 1024;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A line of the output.
    Line(String),
    /// The end of the output, with what the command exited with.
    Ended(Option<i32>),
}

/// Reads what a terminal shows: no escapes, no prompts, no echo; only lines between the sentinels.
pub struct Demux {
    sentinels: Sentinels,
    parser: Parser,
    screen: Screen,
    stage: Stage,
    /// The beginning of a character: where one is cut, the parser loses what follows it.
    held: Vec<u8>,
}

/// What is left of what a terminal shows when everything is left out that is no text.
#[derive(Debug, Default)]
struct Screen {
    /// The line that has not ended.
    line: String,
    ended: Vec<String>,
}

impl Perform for Screen {
    fn print(&mut self, c: char) {
        // The parser takes control characters of two bytes for text where they are cut.
        if self.line.len() < LONGEST && (c == '\t' || !c.is_control()) {
            self.line.push(c);
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\n' => self.ended.push(std::mem::take(&mut self.line)),
            b'\t' => self.print('\t'),
            // A carriage return, a bell, a backspace: nothing of a line of text.
            _ => {}
        }
    }
}

impl fmt::Debug for Demux {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Demux")
            .field("screen", &self.screen)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    Before,
    /// Inside; the line break before the end is the sentinel's own.
    Inside {
        blank: bool,
    },
    After,
}

impl Demux {
    /// A reader for the output between these sentinels.
    pub fn new(sentinels: Sentinels) -> Self {
        Self {
            sentinels,
            parser: Parser::new(),
            screen: Screen::default(),
            stage: Stage::Before,
            held: Vec::new(),
        }
    }

    /// Takes what was shown, in whatever parts it comes.
    pub fn take(&mut self, shown: &[u8]) -> Vec<Found> {
        let mut found = Vec::new();
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(shown);
        self.held = bytes.split_off(bytes.len() - begun(&bytes));
        self.parser.advance(&mut self.screen, &bytes);
        for line in std::mem::take(&mut self.screen.ended) {
            self.end_of_line(line, &mut found);
        }
        found
    }

    /// Whether the output has begun.
    pub fn has_begun(&self) -> bool {
        self.stage != Stage::Before
    }

    fn end_of_line(&mut self, line: String, found: &mut Vec<Found>) {
        match self.stage {
            Stage::Before if line == self.sentinels.begin() => {
                self.stage = Stage::Inside { blank: false };
            }
            Stage::Inside { blank } => {
                if let Some(code) = line.strip_prefix(self.sentinels.end()) {
                    self.stage = Stage::After;
                    found.push(Found::Ended(code.trim().parse().ok()));
                    return;
                }
                if blank {
                    found.push(Found::Line(String::new()));
                }
                let is_blank = line.is_empty();
                self.stage = Stage::Inside { blank: is_blank };
                if !is_blank {
                    found.push(Found::Line(line));
                }
            }
            Stage::Before | Stage::After => {}
        }
    }
}

/// How many bytes at the end begin a character of UTF-8 that is not whole.
fn begun(bytes: &[u8]) -> usize {
    let last = bytes.iter().rev().take(3).position(|byte| byte & 0xc0 != 0x80);
    let Some(behind) = last else { return 0 };
    let whole = match bytes[bytes.len() - 1 - behind] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    if whole > behind + 1 { behind + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sentinels() -> Sentinels {
        Sentinels::of("s3cret".into())
    }

    fn lines(texts: &[&str], exit: Option<i32>) -> Vec<Found> {
        let lines = texts.iter().map(|text| Found::Line((*text).to_owned()));
        lines.chain([Found::Ended(exit)]).collect()
    }

    #[test]
    fn the_output_is_found_between_echo_escapes_and_prompts() {
        let shown = "Linux pve 6.8\r\n\x1b[?2004hroot@pve:~# stty -echo; set +H\r\n\x1b[?2004l\r\
            \x1b[?2004hroot@pve:~# \x1b[?2004l\r\r\npxb-begin-s3cret\r\n\
            \x1b[1mone\x1b[0m\r\n\r\ntwo\r\n\r\npxb-end-s3cret:3\r\nlogout\r\n";
        let mut demux = Demux::new(sentinels());
        assert_eq!(demux.take(shown.as_bytes()), lines(&["one", "", "two"], Some(3)));
        assert_eq!(demux.take(b"more\r\n"), []);
    }

    #[test]
    fn a_line_that_looks_like_a_sentinel_of_another_command_is_output() {
        let shown = "pxb-begin-s3cret\npxb-end-other:0\npxb-begin-s3cret\n\npxb-end-s3cret:0\n";
        let found = Demux::new(sentinels()).take(shown.as_bytes());
        assert_eq!(found, lines(&["pxb-end-other:0", "pxb-begin-s3cret"], Some(0)));
    }

    #[test]
    fn control_characters_before_a_cut_cost_no_text() {
        let shown =
            b"pxb-begin-s3cret\n\x1a\x07\xc2\x80*\xc2\x80\"\xe2\x82\xac\npxb-end-s3cret:0\n";
        let whole = Demux::new(sentinels()).take(shown);
        assert_eq!(whole, lines(&["*\"\u{20ac}"], Some(0)));
        for cut in 1..shown.len() {
            let mut demux = Demux::new(sentinels());
            let found: Vec<Found> = shown.chunks(cut).flat_map(|part| demux.take(part)).collect();
            assert_eq!(found, whole, "{cut}");
        }
    }

    /// A terminal takes everything for a title or a device's string until something ends it.
    #[test]
    fn what_a_command_left_open_does_not_hide_its_end() {
        for open in ["\x1b]0;title", "\x1bPdevice", "\x1b_program", "\x1b["] {
            let shown = format!("pxb-begin-s3cret\none\n{open}\x18\npxb-end-s3cret:7\n");
            let found = Demux::new(sentinels()).take(shown.as_bytes());
            assert_eq!(found, lines(&["one"], Some(7)), "{open:?}");
        }
    }

    #[test]
    fn a_character_is_whole_or_begun() {
        for (bytes, begun_of) in [
            (&b""[..], 0),
            (b"a", 0),
            (b"a\xc2", 1),
            (b"\xc2\x80", 0),
            (b"\xe2\x82", 2),
            (b"\xf0\x9f\x98", 3),
            (b"\x80\x80\x80\x80", 0),
            (b"\xff", 0),
        ] {
            assert_eq!(begun(bytes), begun_of, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn bytes_of_any_kind_may_be_cut_anywhere(body: Vec<u8>, cut in 1_usize..9) {
            let shown = [b"pxb-begin-s3cret\n", body.as_slice(), b"\npxb-end-s3cret:0\n"].concat();
            let whole = Demux::new(sentinels()).take(&shown);
            let mut demux = Demux::new(sentinels());
            let found: Vec<Found> = shown.chunks(cut).flat_map(|part| demux.take(part)).collect();
            prop_assert_eq!(found, whole);
        }

        #[test]
        fn it_does_not_matter_how_the_output_is_cut(
            texts in prop::collection::vec("[ -~]{0,20}", 0..8),
            cut in 1_usize..7,
            exit in 0..256_i32,
        ) {
            let body: String = texts.iter().map(|text| format!("{text}\r\n")).collect();
            let shown = format!("x\r\npxb-begin-s3cret\r\n{body}\r\npxb-end-s3cret:{exit}\r\n");
            let mut demux = Demux::new(sentinels());
            let parts = shown.as_bytes().chunks(cut);
            let found: Vec<Found> = parts.flat_map(|part| demux.take(part)).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            prop_assert_eq!(found, lines(&texts, Some(exit)));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(parts: Vec<Vec<u8>>) {
            let mut demux = Demux::new(sentinels());
            for part in parts {
                demux.take(&part);
            }
        }
    }
}
