//! Connections that are cut or fall silent.

use std::time::Duration;

use drover_testkit::Line;

use crate::scene::Scene;

const SHORT: Duration = Duration::from_secs(2);
const LONG: Duration = Duration::from_mins(3);

/// A role loses both its database and its broker.
pub(crate) async fn both_cut(scene: &mut Scene<'_>) {
    scene.middle().await;
    let role = scene.role();
    scene.world.member(role).set_lines(Line::Cut);
    scene.last(SHORT, LONG).await;
    scene.world.member(role).set_lines(Line::Whole);
}

/// A role's lines fall silent: nobody is told, and nothing arrives.
pub(crate) async fn both_frozen(scene: &mut Scene<'_>) {
    scene.middle().await;
    let role = scene.role();
    scene.world.member(role).set_lines(Line::Frozen);
    scene.last(SHORT, LONG).await;
    scene.world.member(role).set_lines(Line::Whole);
}

/// Everybody loses the database.
pub(crate) async fn database_cut(scene: &mut Scene<'_>) {
    scene.middle().await;
    scene.world.set_database_lines(Line::Cut);
    scene.last(SHORT, LONG).await;
    scene.world.set_database_lines(Line::Whole);
}

/// Everybody loses the broker.
pub(crate) async fn broker_cut(scene: &mut Scene<'_>) {
    scene.middle().await;
    scene.world.set_broker_lines(Line::Cut);
    scene.last(SHORT, LONG).await;
    scene.world.set_broker_lines(Line::Whole);
}
