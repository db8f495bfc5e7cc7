import AdminAPI
import DomainController
import Foundation
import Logging

/// Log lines on stderr: one for people, or one JSON object each.
struct StderrLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    let format: LogFormat
    let label: String

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let merged = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let time = Date().formatted(.iso8601)
        let fields = merged.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
        switch format {
        case .human:
            let text = fields.map { " \($0)=\(HumanText.line($1))" }.joined()
            Output.note("\(time) \(event.level) \(HumanText.line(event.message.description))\(text)")
        case .json:
            var object = Dictionary(fields, uniquingKeysWith: { _, new in new })
            object["ts"] = time
            object["level"] = event.level.rawValue
            object["logger"] = label
            object["msg"] = event.message.description
            guard let data = try? AdminJSON.encode(object) else { return }
            Output.note(String(decoding: data, as: UTF8.self))
        }
    }
}
