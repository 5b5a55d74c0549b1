//! What of this machine helps or hinders.
