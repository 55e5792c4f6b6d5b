//! What the gateway tells a device agrees with what the MDM API offers it, where nothing is rolled out.

use drover_domain::{DeviceUuid, OrganisationPath};
use drover_service::{DeviceIdentity, SoftwareCheck};

use crate::{
    scene::ROOT,
    town::{AGENT, Town, asking},
};

const DEVICES: [&str; 3] = ["root", "east", "west"];
const STEPS: usize = 60;

/// Numbers that look random, the same ones in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides as u64).unwrap()
    }
}

async fn identity(town: &Town, uuid: &str) -> DeviceIdentity {
    let device = drover_domain::DeviceId(town.id("SELECT id FROM devices WHERE uuid = $1", &[&uuid]).await);
    DeviceIdentity { tenant: town.tenant, device, uuid: DeviceUuid::parse(uuid).unwrap() }
}

/// What a device that runs a version is told, by the gateway and by the MDM API.
async fn compare(town: &Town, uuid: &str, installed: i32) {
    let device = identity(town, uuid).await;
    let updates = town.world.service.check_group_update(&device, "agent", installed).await.unwrap();
    let offered =
        updates.offers.first().map(|offer| (i64::from(offer.version.version_code), offer.version.version_name.clone()));
    let had: &[(&str, i64)] = if installed > 0 { &[(AGENT, installed.into())] } else { &[] };
    let check = SoftwareCheck { organisation: None, ..asking(uuid, had) };
    let told = town.try_check(&check).await.unwrap();
    // The MDM API knows no way back.
    let told = told.into_iter().find(|software| !software.is_rollback);
    let told = told.map(|software| (software.version_code, software.version_name));
    assert_eq!(told, offered, "{uuid} with {installed}");
}

#[tokio::test]
async fn a_device_is_told_what_the_mdm_api_offers_it() {
    for seed in 1..=3 {
        let town = Town::new().await;
        let program = town.program("agent", "").await;
        let operator = town.operator(ROOT).await;
        assert_eq!(operator.organisation.path, OrganisationPath::parse("/901/").unwrap());
        let (mut dice, mut versions, mut publications) = (Dice(seed), Vec::new(), Vec::new());
        for _ in 0..STEPS {
            match dice.roll(6) {
                0 | 1 => versions.push(town.version(program, i32::try_from(versions.len() + 1).unwrap()).await),
                2 | 3 if !versions.is_empty() => {
                    let version = versions[dice.roll(versions.len())];
                    let to = [&["root"][..], &["east"], &["west"], &["east", "west"]][dice.roll(4)];
                    // One that was withdrawn is refused.
                    if town
                        .id("SELECT count(*) FROM client_versions WHERE id = $1 AND void_at IS NULL", &[&version.0])
                        .await
                        == 1
                    {
                        publications.push(town.publish(version, to).await);
                    }
                }
                4 if !publications.is_empty() => {
                    let publication = publications.swap_remove(dice.roll(publications.len()));
                    town.world.service.cancel_publication(&operator, publication).await.unwrap();
                }
                5 if !versions.is_empty() && dice.roll(3) == 0 => {
                    let version = versions[dice.roll(versions.len())];
                    town.world.service.obsolete_version(&operator, version).await.unwrap();
                }
                _ => {}
            }
            let installed = i32::try_from(dice.roll(versions.len() + 1)).unwrap();
            compare(&town, DEVICES[dice.roll(3)], installed).await;
        }
        assert!(versions.len() > 5, "seed {seed}");
        for uuid in DEVICES {
            compare(&town, uuid, 0).await;
        }
    }
}
