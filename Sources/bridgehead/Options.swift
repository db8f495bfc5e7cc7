import AdminAPI
import AdminClient
import ArgumentParser
import DomainController
import Foundation

/// Where the DSA is: `--data`, else BRIDGEHEAD_DATA, else the configuration file, else the default.
struct DSAOptions: ParsableArguments {
    @Option(help: "The DSA's data directory (or BRIDGEHEAD_DATA).") var data: String?
    @Option(help: "Configuration file (default: bridgehead.yaml in the data directory).") var config: String?
    @Option(help: "The running DSA's admin socket (default: admin.sock in the data directory).")
    var adminSocket: String?

    var flags: [ConfigurationKey: (flag: String, value: String)] {
        var flags: [ConfigurationKey: (flag: String, value: String)] = [:]
        if let data { flags[.data] = ("--data", data) }
        if let adminSocket { flags[.adminSocket] = ("--admin-socket", adminSocket) }
        return flags
    }

    func sources(_ more: [ConfigurationKey: (flag: String, value: String)] = [:]) throws
        -> ConfigurationSources
    {
        let flags = flags.merging(more) { _, new in new }
        let environment = ProcessInfo.processInfo.environment
        let data = flags[.data]?.value ?? environment["BRIDGEHEAD_DATA"] ?? ConfigurationKey.data.defaultText
        return ConfigurationSources(
            flags: flags,
            environment: environment,
            file: try ConfigurationFile.find(
                explicit: config ?? environment["BRIDGEHEAD_CONFIG"],
                dataDirectory: data
            ),
            readSecret: { try String(contentsOfFile: $0, encoding: .utf8) },
            parse: { try ConfigurationFile.parse($0) }
        )
    }

    func configuration(
        _ more: [ConfigurationKey: (flag: String, value: String)] = [:]
    ) throws -> Configuration { try Configuration(try sources(more)) }

    /// A client of the running DSA.
    func client() throws -> any Administration {
        let configuration = try configuration()
        return try AdminClient(
            socketPath: configuration.adminSocket,
            dataDirectory: configuration.dataDirectory
        )
    }
}

struct JSONOption: ParsableArguments {
    @Flag(help: "Print JSON.") var json = false

    func print(_ value: some Encodable, text: String) throws {
        if json { try Output.json(value) } else { Output.text(text) }
    }
}
