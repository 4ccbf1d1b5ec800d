//! Real devices measured, by the drivers and by the program.

mod profiles;
mod program;
mod snmp;
