//! Why the rules of applications refuse a call.

/// Why the rules of applications refuse a call. The document has a code for each, which its dialect knows; the number in front
/// of each description is that code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplicationRefusal {
    /// 700: the file is no package that can be read.
    #[error("file: cannot be read as an application: {0}")]
    Unreadable(String),
    /// 701: the package is not signed.
    #[error("file: is not signed")]
    Unsigned,
    /// 702: a wrapped and an unwrapped release of one package.
    #[error("file: {0} is there as a wrapped application or as one that is not, and the two exclude each other")]
    WrappedBesideUnwrapped(String),
    /// 703: the same version of the package is there.
    #[error("version {version} of {package} is there already")]
    SameVersion {
        /// The package.
        package: String,
        /// The version.
        version: String,
    },
    /// 706: an address that names no application of the store.
    #[error("itunesUrl: names no application: /id and its number are missing")]
    NoStoreId,
    /// 707: not an address.
    #[error("itunesUrl: is not an address of the store")]
    NotAUrl,
    /// 710: an upload without bytes.
    #[error("file: is empty")]
    EmptyFile,
    /// 711: no such application.
    #[error("application {0} does not exist")]
    NoSuchApplication(String),
    /// 712: an application that is being removed.
    #[error("application {0} is being removed")]
    BeingRemoved(String),
    /// 713: nobody is named.
    #[error("no user, group or label is named")]
    NoTarget,
    /// 714: a push of an unknown kind, or one that contradicts itself.
    #[error("{0}")]
    BadPush(String),
    /// 719: no such policy, or no such black or white list.
    #[error("{what} {id} does not exist")]
    NoSuchPolicy {
        /// Which of the two.
        what: &'static str,
        /// Which one.
        id: String,
    },
    /// 720: a policy or list that is disabled.
    #[error("{what} {id} is disabled")]
    PolicyDisabled {
        /// Which of the two.
        what: &'static str,
        /// Which one.
        id: String,
    },
    /// 721: the status that it has.
    #[error("status: is that already")]
    SameStatus,
    /// 723: a category's name is taken.
    #[error("name: there is a category {0} already")]
    CategoryNameTaken(String),
    /// 724: no such category.
    #[error("category {0} does not exist")]
    NoSuchCategory(String),
    /// 725: nothing was uploaded there.
    #[error("appPath: there is no such upload")]
    NoSuchUpload,
    /// 732: a release of another package.
    #[error("appId: that is {theirs}, and the file is {ours}")]
    OtherPackage {
        /// The application's package.
        theirs: String,
        /// The upload's package.
        ours: String,
    },
    /// 734: a policy that is in use.
    #[error("policy {0} is in use")]
    PolicyInUse(String),
    /// 736: a built-in application needs a policy.
    #[error("appconfid: is missing, and a built-in application needs one")]
    PolicyMissing,
    /// 737: a policy for other applications.
    #[error("appconfid: policy {0} is for applications of another kind")]
    PolicyOfOtherKind(String),
    /// 740: linked already.
    #[error("application {0} is in the category already")]
    AlreadyLinked(String),
    /// 742: neither replaces nor adds.
    #[error("replaceOrAdd: must be 1, replace, or 2, add")]
    BadReplaceOrAdd,
    /// 751: a category with applications.
    #[error("category {0} is in use")]
    CategoryInUse(String),
    /// 759: a policy's name is taken.
    #[error("name: there is a policy {0} already")]
    PolicyNameTaken(String),
    /// 760: a list's name is taken.
    #[error("name: there is a list {0} already")]
    RestrictionNameTaken(String),
    /// 761: a time that cannot be read.
    #[error("startTimeStr: must be a time like 2015-12-01 08:23:00")]
    StartMalformed,
    /// 762: a time that is over.
    #[error("startTimeStr: is in the past")]
    StartInThePast,
    /// 763: an IPA that is to be public.
    #[error("type: an IPA can be an enterprise application only")]
    PublicIpa,
    /// 764: a label that nobody bears.
    #[error("label {0} has no users")]
    LabelWithoutUsers(String),
}
