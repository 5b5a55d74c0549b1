//! Warnings on standard error, in one line each.

use log::{LevelFilter, Log, Metadata, Record};

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // The libraries below tell what they do at these levels too; only ours is for people.
        metadata.level() <= log::Level::Warn || metadata.target().starts_with("capture")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            super::complain(&record.args().to_string());
        }
    }

    fn flush(&self) {}
}

/// Makes the `log` macros print.
pub(super) fn install() {
    if log::set_logger(&Stderr).is_ok() {
        log::set_max_level(LevelFilter::Debug);
    }
}
