//! What can be tested with bytes and files alone, on any machine and by any user.

// A file of this folder becomes part of the suite by a `mod` line here.
