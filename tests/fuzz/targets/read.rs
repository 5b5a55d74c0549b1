//! Any bytes as a capture file, printed in every way that `capture read` has. The first byte chooses the
//! form, whether the file is read twice, and preferences.

use std::io::{self, Write};
use std::path::Path;
use std::str;
use std::sync::{Arc, Mutex, PoisonError};

use capture::read::color::{Coloring, default_rules};
use capture::read::pipeline::{Flush, Passes, ReadError, ReadPlan, ReadSummary, read};
use capture::read::print::{
    Details, Fields, JsonBytes, JsonKeys, Layout, ListColumns, Names, Seconds, Text, TimeFormat,
    TimeStyle,
};
use capture::read::{Preferences, registry};

use crate::memory_file::with_file;

pub(super) fn run(bytes: &[u8]) {
    let Some((choice, file)) = bytes.split_first() else {
        return;
    };
    let layout = layout(*choice);
    let coloring = match choice & 0x47 {
        0 => Some(Coloring::Rules(COLORS.with(Clone::clone))),
        0x40 => Some(Coloring::conversations()),
        _ => None,
    };
    with_file(file, |path| {
        let plan = ReadPlan {
            layout: Some(layout),
            coloring,
            ..plan(path, *choice)
        };
        let text = Shared::default();
        match read(&plan, &mut [], Box::new(text.clone())) {
            Ok(ReadSummary {
                frames,
                shown,
                error,
            }) => {
                assert_eq!(frames, shown, "there is no filter");
                if let Some(error) = error {
                    assert!(!error.to_string().is_empty());
                }
                let text = text.0.lock().unwrap_or_else(PoisonError::into_inner);
                let text = str::from_utf8(&text).expect("what is printed is UTF-8");
                if matches!(choice & 7, 0 | 2) {
                    assert_eq!(text.lines().count() as u64, frames, "a line a frame");
                }
            }
            Err(ReadError::File(error)) => assert!(!error.to_string().is_empty()),
            Err(error) => panic!("{error}"),
        }
    });
}

thread_local! {
    /// Made once: compiling them is most of the work of a small file.
    static COLORS: Vec<capture::read::color::Rule> = default_rules();
    static FIELDS: Fields = {
        let names: Vec<_> = registry::all().map(|(_, field)| field.name.to_owned()).collect();
        Fields::new(&names, &ListColumns::default()).expect("they are from the registry")
    };
    static COLUMNS: ListColumns = {
        let column = |name: &str| format!("\"{name}\",\"%Cus:{name}:0:R\"");
        let columns: Vec<_> = registry::all().map(|(_, field)| column(field.name)).collect();
        ListColumns::parse(&columns.join(",")).expect("they are from the registry")
    };
}

/// A plan that prints nothing; bits of `choice` that others may use are the lower three and the highest.
pub(super) fn plan(path: &Path, choice: u8) -> ReadPlan {
    let checks = choice & 0x10 != 0;
    let streams = choice & 0x20 == 0;
    ReadPlan {
        files: vec![path.to_owned()],
        layout: None,
        capture_filter: None,
        read_filter: None,
        filter: None,
        coloring: None,
        preferences: Preferences {
            tcp_check_checksum: checks,
            udp_check_checksum: checks,
            ip_check_checksum: checks,
            tcp_relative_sequence_numbers: streams,
            tcp_desegment_streams: streams,
            ip_defragment: streams,
            ..Preferences::default()
        },
        count: None,
        passes: if choice & 8 == 0 {
            Passes::One
        } else {
            Passes::Two
        },
        printers: 1,
        flush: Flush::Whole,
    }
}

fn layout(choice: u8) -> Layout {
    let text = Text {
        list: true,
        details: None,
        bytes: false,
        time: TimeStyle {
            format: [
                TimeFormat::Relative,
                TimeFormat::Date,
                TimeFormat::DayOfYear,
                TimeFormat::Epoch,
            ][usize::from(choice >> 5 & 3)],
            seconds: if choice & 0x10 == 0 {
                Seconds::Alone
            } else {
                Seconds::WithHours
            },
        },
        tabs: choice & 0x20 != 0,
        ..Text::default()
    };
    match choice & 7 {
        0 => Layout::Text(text),
        1 => Layout::Json {
            bytes: JsonBytes::Beside,
            keys: if choice & 0x20 == 0 {
                JsonKeys::Each
            } else {
                JsonKeys::Merged
            },
            chosen: None,
        },
        2 => Layout::Fields(FIELDS.with(Clone::clone)),
        3 => Layout::Text(Text {
            bytes: true,
            ..text
        }),
        4 => Layout::Ek {
            bytes: true,
            chosen: None,
        },
        5 => Layout::Pdml {
            chosen: None,
            names: Names::Vendors,
        },
        6 => Layout::Psml {
            columns: if choice & 0x20 == 0 {
                ListColumns::default()
            } else {
                COLUMNS.with(Clone::clone)
            },
            time: text.time,
            names: Names::Vendors,
        },
        _ => Layout::Text(Text {
            details: Some(Details::All),
            bytes: choice & 0x20 != 0,
            ..text
        }),
    }
}

/// What is printed, where the thread that prints can reach it.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
