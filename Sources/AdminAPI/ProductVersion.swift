/// The version of this program, as `version` and the status say it.
package enum ProductVersion {
    package static let current = "0.1.0"
    /// Of this interface: the first segment of every path.
    package static let adminInterface = "v1"
}
