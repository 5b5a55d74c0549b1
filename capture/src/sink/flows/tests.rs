//! Records through the writer: files, names, order, and what is counted.
