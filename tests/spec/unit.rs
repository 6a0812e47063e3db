//! CLI-capability units: the recorded cases, each compared as Aileron's own reader answers. cli-unit.md §13.

mod checklist;
mod differential;
mod vectors;
