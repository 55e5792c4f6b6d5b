//! One suite that every channel passes. Each case is a conversation between a device and Drover's real processes; only how
//! the device hears and speaks differs.

mod cases;
mod mqtt;
mod poll;
mod simulated;
mod world;

use drover_domain::ChannelKind;
use drover_messages::{DeviceCommand, DeviceReport};

use world::World;

/// How a device hears and speaks. It is enrolled, and has a token.
trait Device: Sized {
    /// Its channel.
    const CHANNEL: ChannelKind;

    /// Whether what it has not acknowledged comes again when it comes back.
    const REDELIVERS: bool;

    /// Turns up, for the first time or again.
    async fn come(world: &World, uuid: &str, token: &str) -> Self;

    /// The next command. It counts as taken when it is reported on, or when the next one is asked for.
    async fn next(&mut self) -> DeviceCommand;

    /// Reports, and returns when Drover or its broker has the report.
    async fn report(&mut self, report: DeviceReport);

    /// Loses its connection, without a word.
    async fn vanish(self);
}

/// The whole suite for one channel.
async fn passes_the_suite<D: Device>() {
    let mut world = World::new().await;
    cases::accept::<D>(&world).await;
    cases::offline::<D>(&world).await;
    cases::duplicate::<D>(&world).await;
    cases::cancel::<D>(&world).await;
    cases::cancel_refused::<D>(&world).await;
    cases::refuse::<D>(&world).await;
    cases::silence::<D>(&world).await;
    cases::late::<D>(&world).await;
    world.end().await;
}

#[tokio::test]
async fn mqtt_passes_the_suite() {
    passes_the_suite::<mqtt::MqttDevice>().await;
}

#[tokio::test]
async fn poll_passes_the_suite() {
    passes_the_suite::<poll::PollingDevice>().await;
}

#[tokio::test]
async fn simulated_passes_the_suite() {
    passes_the_suite::<simulated::SimulatedDevice>().await;
}
