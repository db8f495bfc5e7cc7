import AdminAPI
import DomainController
import Foundation
import Yams

/// Reads the YAML file into nodes with lines; what the keys mean is `Configuration`'s business.
enum ConfigurationFile {
    static let fileOctetsMax = 1 << 20
    static let systemPath = "/etc/bridgehead/bridgehead.yaml"

    /// The named file, else the data directory's, else the system's, else none.
    static func find(explicit: String?, dataDirectory: String) throws -> ConfigurationSources.File? {
        if let explicit { return try read(explicit) }
        for path in [dataDirectory + "/bridgehead.yaml", systemPath]
        where FileManager.default.fileExists(atPath: path) {
            return try read(path)
        }
        return nil
    }

    private static func read(_ path: String) throws -> ConfigurationSources.File {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw AdminError(
                code: "badConfiguration",
                message: "cannot read configuration file \(path)",
                hint: "check the path and its mode"
            )
        }
        guard data.count <= fileOctetsMax else {
            throw AdminError(
                code: "badConfiguration",
                message: "configuration file \(path) has \(data.count) octets, more than \(fileOctetsMax)"
            )
        }
        do {
            return ConfigurationSources.File(
                path: path,
                root: try parse(String(decoding: data, as: UTF8.self))
            )
        } catch let error as YamlError {
            throw AdminError(
                code: "badConfiguration",
                message: "configuration file \(path) is not YAML: \(sentence(error))",
                hint: "bridgehead config check --config \(path)"
            )
        }
    }

    static func parse(_ text: String) throws -> ConfigurationNode {
        guard let node = try Yams.compose(yaml: text) else { return .empty(line: 1) }
        return convert(node)
    }

    private static func convert(_ node: Node) -> ConfigurationNode {
        let line = node.mark?.line ?? 1
        switch node {
        case .scalar(let scalar):
            let isNull = scalar.string.isEmpty && scalar.style == .plain || scalar.string == "~"
            return isNull ? .empty(line: line) : .scalar(scalar.string, line: line)
        case .sequence(let sequence): return .list(sequence.map(convert), line: line)
        case .mapping(let mapping):
            return .mapping(
                mapping.map { ConfigurationPair(key: $0.key.string ?? "", node: convert($0.value)) },
                line: line
            )
        case .alias: return .empty(line: line)
        }
    }

    private static func sentence(_ error: YamlError) -> String {
        "\(error)".split(separator: "\n").first.map(String.init) ?? "it cannot be read"
    }
}
