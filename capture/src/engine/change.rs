//! Changes to a running capture: new programs in the place of the old ones, nothing lost and nothing
//! counted twice.

use super::{EngineError, LiveCapture};
use crate::flow::Sampling;
use crate::kernel::{CaptureFilter, Control, Plan, Thinning};
use crate::packet::Timestamp;

/// What was changed, for those who read the results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When the last of the new programs ran.
    pub ts: Timestamp,
    /// In words.
    pub text: String,
}

impl LiveCapture {
    /// Another capture filter, or none.
    ///
    /// # Errors
    ///
    /// When the kernel refuses it; then the capture goes on as before.
    pub fn set_filter(&mut self, filter: Option<CaptureFilter>) -> Result<(), EngineError> {
        let text = match &filter {
            Some(filter) => format!("filter changed to: {}", filter.text()),
            None => "filter taken away".to_owned(),
        };
        self.change(text, |plan| plan.filter = filter)
    }

    /// Another sampling, for all packets from now on; records say what it was when they were written.
    ///
    /// # Errors
    ///
    /// When the kernel refuses it; then the capture goes on as before.
    pub fn set_sampling(
        &mut self,
        sampling: Sampling,
        control: Control,
    ) -> Result<(), EngineError> {
        let only = Thinning {
            sampling,
            control,
            ..Thinning::NONE
        };
        let text = match only.to_string() {
            words if words.is_empty() => "sampling ended".to_owned(),
            words => format!("sampling changed to: {words}"),
        };
        self.change(text, |plan| {
            plan.thinning.sampling = sampling;
            plan.thinning.control = control;
        })?;
        self.sampling.set(sampling);
        Ok(())
    }

    /// Changes what is constant to the programs; `text` says what, for those who read the results.
    ///
    /// # Errors
    ///
    /// When the kernel refuses it; then the capture goes on as before.
    pub fn change(
        &mut self,
        text: String,
        edit: impl FnOnce(&mut Plan),
    ) -> Result<(), EngineError> {
        let mut plan = self.plan.kernel.clone();
        edit(&mut plan);
        self.kernel.change(&plan)?;
        self.plan.kernel = plan;
        self.changes.push(Change {
            ts: self.clock.now(),
            text,
        });
        Ok(())
    }

    /// What was changed so far.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The filter that decides now.
    #[must_use]
    pub const fn filter(&self) -> Option<&CaptureFilter> {
        self.plan.kernel.filter.as_ref()
    }
}
