//! What can be wrong with a cluster, a status, a setting or a plan, each naming the item.

/// Why a balancer can't work with what it was given.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BalancerError {
    /// The bytes are not a ClusterStatus message.
    #[error("read ClusterStatus: {problem} at byte {at}")]
    Status {
        /// What is wrong.
        problem: String,
        /// Offset in the message.
        at: usize,
    },
    /// A region or server has a name that HBase wouldn't give.
    #[error("read the name of a {noun}: {reason}")]
    Name {
        /// Region, table or server.
        noun: &'static str,
        /// What is wrong with which name.
        reason: String,
    },
    /// One region in two places.
    #[error("region {region} is on two servers: {first} and {second}")]
    RegionTwice {
        /// Its full name.
        region: String,
        /// Where it was seen first.
        first: String,
        /// And then.
        second: String,
    },
    /// A load that no region can have.
    #[error("region {region} has {what} of {value}")]
    Load {
        /// Its full name.
        region: String,
        /// Which number.
        what: &'static str,
        /// The number.
        value: String,
    },
    /// There is nowhere to put regions.
    #[error("the cluster has no server that may hold regions")]
    NoServers,
    /// More than the balancer's indexes hold.
    #[error("the cluster has {count} {noun}, more than the {max} that fit")]
    TooMany {
        /// Of what.
        noun: &'static str,
        /// How many.
        count: usize,
        /// The bound.
        max: usize,
    },
    /// A setting can't be read.
    #[error("setting {key}={value}: {reason}")]
    Setting {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A server is named that isn't there.
    #[error("unknown server {server}")]
    UnknownServer {
        /// As it was named.
        server: String,
    },
    /// A region is named that isn't there.
    #[error("unknown region {region}")]
    UnknownRegion {
        /// As it was named.
        region: String,
    },
    /// A line of a plan can't be read.
    #[error("plan, line {line}: {reason}")]
    PlanLine {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A rule of the constraints can't be read.
    #[error("constraints, line {line}: {reason}")]
    ConstraintLine {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A cost function of the user's own gave something that is no cost.
    #[error("cost function {name} gave {value}")]
    CustomCost {
        /// Of the function.
        name: String,
        /// What it gave.
        value: f64,
    },
}
