//! Where things are: sites, sectors, boxes, address pools.
