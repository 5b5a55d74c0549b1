//! Where what several threads print is put together in order.
//!
//! Whoever has printed what comes next writes it, and with it whatever waits behind: there is no
//! thread that does nothing else. Bounded: who is [`AHEAD`] batches early waits.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::pipeline::Flush;

/// Batches that wait to be written.
const AHEAD: u64 = 64;

/// Puts texts together in the order of their numbers.
pub(super) struct Outlet {
    state: Mutex<State>,
    /// Something was written, or nothing will be any more.
    moved: Condvar,
    gone: AtomicBool,
}

struct State {
    out: Box<dyn Write + Send>,
    flush: Flush,
    /// The number of what is written next.
    next: u64,
    waiting: BTreeMap<u64, String>,
    /// Texts to be used again.
    spare: Vec<String>,
    error: Option<io::Error>,
}

/// A text that is being printed.
pub(super) struct Turn<'o> {
    outlet: &'o Outlet,
    number: u64,
    text: String,
    is_done: bool,
}

impl Outlet {
    /// Writes to `out`, `begin` first.
    pub(super) fn new(out: Box<dyn Write + Send>, flush: Flush, begin: &str) -> Self {
        let mut state = State {
            out,
            flush,
            next: 0,
            waiting: BTreeMap::new(),
            spare: Vec::new(),
            error: None,
        };
        state.write(begin);
        Self {
            gone: AtomicBool::new(state.error.is_some()),
            state: Mutex::new(state),
            moved: Condvar::new(),
        }
    }

    /// Nobody takes what is printed.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// A text to be printed into. Every number comes once, and none is left out.
    pub(super) fn enter(&self, number: u64) -> Turn<'_> {
        let text = self.lock().spare.pop().unwrap_or_default();
        Turn {
            outlet: self,
            number,
            text,
            is_done: false,
        }
    }

    /// Writes what comes behind everything.
    ///
    /// # Errors
    ///
    /// When anything could not be written.
    pub(super) fn finish(&self, end: &str) -> io::Result<()> {
        let mut state = self.lock();
        state.write(end);
        if let Some(error) = state.error.take() {
            return Err(error);
        }
        state.out.flush()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_up(&self) {
        self.gone.store(true, Ordering::Relaxed);
        self.moved.notify_all();
    }
}

impl State {
    fn write(&mut self, text: &str) {
        if self.error.is_some() || text.is_empty() {
            return;
        }
        let mut outcome = self.out.write_all(text.as_bytes());
        if outcome.is_ok() && self.flush == Flush::AtOnce {
            outcome = self.out.flush();
        }
        self.error = outcome.err();
    }
}

impl Turn<'_> {
    /// What is printed.
    pub(super) const fn text(&mut self) -> &mut String {
        &mut self.text
    }

    /// Has it written, now or when it is its turn.
    pub(super) fn leave(mut self) {
        self.is_done = true;
        let outlet = self.outlet;
        let text = std::mem::take(&mut self.text);
        let mut state = outlet.lock();
        while self.number > state.next + AHEAD && !outlet.is_gone() {
            let guard = outlet.moved.wait(state);
            state = guard.unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting.insert(self.number, text);
        let before = state.next;
        loop {
            let next = state.next;
            let Some(mut text) = state.waiting.remove(&next) else {
                break;
            };
            state.write(&text);
            state.next += 1;
            text.clear();
            state.spare.push(text);
        }
        let failed = state.error.is_some();
        let moved = state.next != before;
        drop(state);
        if failed {
            outlet.give_up();
        } else if moved {
            outlet.moved.notify_all();
        }
    }
}

/// Who panics does not keep the others waiting.
impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            self.outlet.give_up();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn name(number: u64) -> String {
        format!("{number} ")
    }

    fn print(outlet: &Outlet, number: u64) {
        let mut turn = outlet.enter(number);
        turn.text().push_str(&name(number));
        turn.leave();
    }

    #[test]
    fn whoever_is_first_the_order_is_that_of_the_numbers() {
        const TEXTS: u64 = 1000;
        let all = Shared::default();
        let outlet = Outlet::new(Box::new(all.clone()), Flush::Whole, "begin ");
        thread::scope(|scope| {
            for first in 0..4 {
                let outlet = &outlet;
                scope.spawn(move || {
                    for number in (first..TEXTS).step_by(4) {
                        print(outlet, number);
                    }
                });
            }
        });
        outlet.finish("end").unwrap();
        let numbers: String = (0..TEXTS).map(name).collect();
        let found = String::from_utf8(all.0.lock().unwrap().clone()).unwrap();
        assert_eq!(found, format!("begin {numbers}end"));
    }

    #[test]
    fn an_output_that_is_closed_is_told_in_the_end_and_keeps_nobody_waiting() {
        let outlet = Outlet::new(Box::new(Closed), Flush::Whole, "");
        print(&outlet, 0);
        assert!(outlet.is_gone());
        print(&outlet, 1 + AHEAD + 1);
        let error = outlet.finish("").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn who_panics_keeps_nobody_waiting() {
        let outlet = Outlet::new(Box::new(Shared::default()), Flush::Whole, "");
        drop(outlet.enter(0));
        assert!(outlet.is_gone());
        print(&outlet, 1 + AHEAD);
    }
}
