//! Real devices measured, by the drivers and by the program.

mod program;
mod snmp;
