//! Test equipment: simulated devices with fault knobs, and the relay that loses, delays and cuts.
