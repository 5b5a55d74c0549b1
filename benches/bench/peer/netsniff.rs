//! What netsniff-ng says at its end (`dump_rx_stats` in its netsniff-ng.c).

use super::{Told, number_before};

/// "Passed filter" is what it wrote. "Failed filter" is what the kernel had no room for, which it also calls
/// unread.
pub(super) fn told(text: &str) -> Option<Told> {
    Some(Told {
        written: number_before(text, "packets passed filter")?,
        dropped: number_before(text, "packets failed filter (out of space)")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_told_when_nothing_was_lost() {
        // netsniff-ng 0.6.8 of Debian 12; the file has as many packets.
        let text = "Running! Hang up with ^C!\n\n\r     3000000  packets incoming (0 unread on exit)\n\
                    \r     3000000  packets passed filter\n\
                    \r           0  packets failed filter (out of space)\n\
                    \r      0.0000% packet droprate\n\r          11  sec, 699847 usec in total\n";
        let expected = Told {
            written: 3_000_000,
            dropped: 0,
        };
        assert_eq!(told(text), Some(expected));
    }

    #[test]
    fn what_was_unread_is_what_was_dropped() {
        // The same, held up while two million frames came: the file has 437,034 packets.
        let text = "Cannot set system socket memory in /proc/sys/net/core/rmem_max: Permission denied\n\
                    Running! Hang up with ^C!\n\n\r      437034  packets incoming (1562966 unread on exit)\n\
                    \r      437034  packets passed filter\n\
                    \r     1562966  packets failed filter (out of space)\n\
                    \r     78.1483% packet droprate\n\r           6  sec, 754276 usec in total\n";
        let told = told(text).unwrap();
        assert_eq!((told.written, told.dropped), (437_034, 1_562_966));
        assert_eq!(told.written + told.dropped, 2_000_000);
    }
}
