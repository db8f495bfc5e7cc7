/// The effective configuration.
package struct ConfigurationReply: Codable, Hashable, Sendable {
    package var values: [ConfigurationValueReply]

    package init(
        values: [ConfigurationValueReply]
    ) {
        self.values = values
    }
}

/// One key.
package struct ConfigurationValueReply: Codable, Hashable, Sendable {
    /// Such as `smtp.port`.
    package var key: String
    package var value: String
    /// `flag`, `environment`, `file` or `default`.
    package var origin: String
    /// The variable's or the file's name.
    package var source: String?

    package init(
        key: String,
        value: String,
        origin: String,
        source: String? = nil
    ) {
        self.key = key
        self.value = value
        self.origin = origin
        self.source = source
    }
}
