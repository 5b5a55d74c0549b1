//! JA3 and JA3S: which software sent a hello, told by what it offers (github.com/salesforce/ja3).
//!
//! Numbers that clients make up to keep servers flexible (GREASE, RFC 8701) are left out.

use std::fmt::Write as _;

use md5::{Digest as _, Md5};

use crate::read::proto::text::Hex;
use crate::read::region::Region;
use crate::read::tree::{Place, Tree};

/// The lists of a hello, in the order in which they are joined.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) version: u16,
    pub(super) suites: Vec<u16>,
    pub(super) extensions: Vec<u16>,
    pub(super) groups: Vec<u16>,
    pub(super) formats: Vec<u16>,
}

/// Whether it is one of the numbers that mean nothing.
const fn is_grease(number: u16) -> bool {
    number & 0x0f0f == 0x0a0a && number >> 8 == number & 0xff
}

impl Lists {
    fn text(&self, lists: &[&[u16]]) -> String {
        let mut text = self.version.to_string();
        for list in lists {
            text.push(',');
            let mut separator = "";
            for number in list.iter().filter(|number| !is_grease(**number)) {
                // Writing to a string does not fail.
                let _infallible = write!(text, "{separator}{number}");
                separator = "-";
            }
        }
        text
    }

    /// Of a client's hello.
    pub(super) fn show_client(&self, tree: &mut Tree) {
        let lists = [
            &self.suites[..],
            &self.extensions,
            &self.groups,
            &self.formats,
        ];
        show(tree, &self.text(&lists), [super::JA3_FULL, super::JA3]);
    }

    /// Of a server's hello.
    pub(super) fn show_server(&self, tree: &mut Tree) {
        let text = self.text(&[&self.suites, &self.extensions]);
        show(tree, &text, [super::JA3S_FULL, super::JA3S]);
    }

    /// Numbers of two bytes each.
    pub(super) fn numbers(region: &Region<'_>) -> Vec<u16> {
        let pairs = region.captured().chunks_exact(2);
        pairs
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .collect()
    }
}

fn show(tree: &mut Tree, text: &str, [full, hash]: [crate::read::FieldId; 2]) {
    let added = tree.add_text(full, Place::default(), text);
    tree.set_generated(added);
    let digest = Md5::digest(text);
    let added = tree.add_formatted(hash, Place::default(), format_args!("{}", Hex(&digest)));
    tree.set_generated(added);
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of github.com/salesforce/ja3, with the hash that it gives.
    #[test]
    fn the_example_of_the_method_has_its_hash() {
        let lists = Lists {
            version: 769,
            suites: vec![47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
            extensions: vec![0, 10, 11],
            groups: vec![23, 24, 25],
            formats: vec![0],
        };
        let text = lists.text(&[
            &lists.suites[..],
            &lists.extensions,
            &lists.groups,
            &lists.formats,
        ]);
        assert_eq!(
            text,
            "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0"
        );
        let digest = Hex(&Md5::digest(&text)).to_string();
        assert_eq!(digest, "ada70206e40642a3e4461f35503241d5");
    }

    #[test]
    fn made_up_numbers_are_left_out() {
        assert!(is_grease(0x1a1a) && is_grease(0xfafa));
        assert!(!is_grease(0x1a2a) && !is_grease(0x1301));
    }
}
