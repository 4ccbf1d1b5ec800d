//! One-off work of a router: echo requests and the way to an address, from where the router stands.
//!
//! Neither changes anything on the router. Both need the policy `test` of the user's group. Every number is bounded here
//! too, whatever headquarters asks for: an operation that is left alone ends by itself.

mod ping;
mod traceroute;

use std::net::IpAddr;

use async_trait::async_trait;

use super::RouterOs;
use super::client::{CallError, TrapClass};
use crate::driver::{DeviceError, Operate, Operation, Output};

#[async_trait]
impl Operate for RouterOs {
    async fn operate(&self, operation: &Operation, output: &dyn Output) -> Result<(), DeviceError> {
        let client = self.client().await?;
        match operation {
            Operation::Ping(order) => ping::run(&client, order, output).await,
            Operation::Traceroute(order) => traceroute::run(&client, order, output).await,
        }
    }
}

/// The address of an order. A name is refused: the router would ask its own resolver, and nobody would know whom the
/// answers are from.
fn address(text: &str) -> Result<IpAddr, DeviceError> {
    text.parse().map_err(|_| DeviceError::Config { words: format!("{text:?} is no IP address") })
}

/// `asked`, or `default` where nothing was, within what a router is asked for at most.
fn bounded(asked: u32, default: u32, most: u32) -> u32 {
    if asked == 0 { default } else { asked.min(most) }
}

/// A stream's end as the operation's: being interrupted is no failure of the router, and a missing right has a name.
fn ended(error: CallError) -> Result<(), DeviceError> {
    let class = error.class();
    let error = DeviceError::from(error);
    match class {
        Some(TrapClass::Interrupted) => Ok(()),
        Some(TrapClass::Rights) => {
            Err(DeviceError::Rights { words: format!("{}: it takes the policy `test`", error.words()) })
        }
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_bounded() {
        assert_eq!((bounded(0, 4, 100), bounded(7, 4, 100), bounded(u32::MAX, 4, 100)), (4, 7, 100));
        assert!(address("192.0.2.1").is_ok() && address("2001:db8::1").is_ok());
        for odd in ["", "example.net", "192.0.2.1 count=9999", "192.0.2.0/24"] {
            assert!(address(odd).is_err(), "{odd}");
        }
    }
}
