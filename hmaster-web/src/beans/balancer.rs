//! `sub=Balancer`. Counterpart of `MetricsBalancerSource`.

use hmaster_core::environment::MasterEnv;
use hmaster_core::switches::Switch;

use super::{Bean, Content};

pub(super) fn balancer(env: &MasterEnv) -> Bean {
    let mut bean = Bean::of_master("Balancer", "The balancer");
    let is_on = env.switches.is_on(Switch::Balancer);
    bean.tag("isBalancerActive", is_on.to_string(), "Whether the balancer moves regions");
    bean.uncounted(&Content::Counter(0), &["miscInvocationCount"]);
    bean.uncounted(&Content::Spread(Box::default()), &["BalancerCluster"]);
    bean
}
