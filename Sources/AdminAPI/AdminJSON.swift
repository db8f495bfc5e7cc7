package import Foundation

/// The one JSON form of requests, answers and `--json`: keys sorted, slashes plain, times as RFC 3339.
package enum AdminJSON {
    package static func encode(_ value: some Encodable, pretty: Bool = false) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        return try encoder.encode(value)
    }

    /// - Throws: `AdminError` `badRequest` that names the place, never the value.
    package static func decode<Value: Decodable>(_ type: Value.Type, from data: Data) throws(AdminError)
        -> Value
    {
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch let error as DecodingError {
            throw AdminError(code: "badRequest", message: "the JSON body \(Self.sentence(error))")
        } catch {
            throw AdminError(code: "badRequest", message: "the body is not JSON")
        }
    }

    private static func sentence(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let context): "lacks \(path(context.codingPath + [key]))"
        case .valueNotFound(_, let context): "has null for \(path(context.codingPath))"
        case .typeMismatch(let type, let context): "needs \(type) for \(path(context.codingPath))"
        case .dataCorrupted(let context):
            context.codingPath.isEmpty
                ? "is not JSON" : "has something else than it should for \(path(context.codingPath))"
        @unknown default: "cannot be read"
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        let text = keys.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
        return text.isEmpty ? "the whole" : String(text.drop { $0 == "." })
    }
}
