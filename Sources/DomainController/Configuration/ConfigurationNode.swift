/// A configuration text as it was written, before it is checked.
package indirect enum ConfigurationNode: Sendable, Hashable {
    case scalar(String, line: Int)
    case list([ConfigurationNode], line: Int)
    case mapping([ConfigurationPair], line: Int)
    /// `key:` with nothing behind it.
    case empty(line: Int)

    package var line: Int {
        switch self {
        case .scalar(_, let line), .list(_, let line), .mapping(_, let line), .empty(let line): line
        }
    }
}

/// A key and its value in a mapping.
package struct ConfigurationPair: Sendable, Hashable {
    package var key: String
    package var node: ConfigurationNode

    package init(key: String, node: ConfigurationNode) {
        self.key = key
        self.node = node
    }
}

/// Where values can come from, strongest first: flag, environment, file, default.
package struct ConfigurationSources: Sendable {
    /// A file that was read.
    package struct File: Sendable {
        package var path: String
        package var root: ConfigurationNode

        package init(path: String, root: ConfigurationNode) {
            self.path = path
            self.root = root
        }
    }

    /// By key, with the flag's name, such as `--data`.
    package var flags: [ConfigurationKey: (flag: String, value: String)]
    /// The process's environment.
    package var environment: [String: String]
    package var file: File?
    /// Reads what a `..._FILE` variable names.
    package var readSecret: @Sendable (String) throws -> String
    /// Reads a list from a variable.
    package var parse: @Sendable (String) throws -> ConfigurationNode

    package init(
        flags: [ConfigurationKey: (flag: String, value: String)] = [:],
        environment: [String: String] = [:],
        file: File? = nil,
        readSecret: @escaping @Sendable (String) throws -> String,
        parse: @escaping @Sendable (String) throws -> ConfigurationNode
    ) {
        self.flags = flags
        self.environment = environment
        self.file = file
        self.readSecret = readSecret
        self.parse = parse
    }
}

/// Who set a value.
package enum ConfigurationOrigin: Hashable, Sendable {
    case flag(String)
    case environment(variable: String)
    case file(path: String, line: Int)
    case standard

    /// Stable word.
    package var name: String {
        switch self {
        case .flag: "flag"
        case .environment: "environment"
        case .file: "file"
        case .standard: "default"
        }
    }

    /// Where exactly; nil for a default.
    package var source: String? {
        switch self {
        case .flag(let flag): flag
        case .environment(let variable): variable
        case .file(let path, let line): "\(path):\(line)"
        case .standard: nil
        }
    }
}

/// One effective value and who set it.
package struct ConfigurationValue: Hashable, Sendable {
    package let key: ConfigurationKey
    /// For people: as written, lists in one line, passwords left out.
    package let text: String
    package let origin: ConfigurationOrigin
}

/// Something wrong with the configuration: an error, or a warning when the DSA can run all the same.
package struct ConfigurationProblem: Hashable, Sendable {
    package let isWarning: Bool
    /// A sentence that begins with the place.
    package let message: String
    package let hint: String?
}
