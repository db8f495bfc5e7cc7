/// The rule for the admin socket's path, the same for server and client.
package enum AdminSocketPath {
    /// - Throws: `AdminError` `socketPathTooLong`, or `badRequest` for a path with a NUL.
    package static func check(_ path: String) throws(AdminError) {
        let octets = path.utf8.count
        guard octets <= AdminLimits.socketPathOctetsMax else {
            throw AdminError(
                code: "socketPathTooLong",
                message: "the admin socket's path has \(octets) octets, and "
                    + "\(AdminLimits.socketPathOctetsMax) are the most a Unix socket can have: \(path)",
                hint: "choose a shorter one, the same for server and client: --admin-socket PATH"
            )
        }
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw AdminError(code: "badRequest", message: "the admin socket's path is not a path")
        }
    }
}
