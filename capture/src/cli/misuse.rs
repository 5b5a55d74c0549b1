//! What is wrong with the words of a command line, beyond what their grammar tells.

/// Words that make no sense, or not together: they have an exit code of their own.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Misuse(pub(super) String);

/// Returns from the function with a [`Misuse`].
macro_rules! misuse {
    ($($words:tt)*) => {
        return Err($crate::cli::misuse::Misuse(format!($($words)*)).into())
    };
}
pub(super) use misuse;
