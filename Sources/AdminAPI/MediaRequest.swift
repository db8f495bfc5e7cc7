/// Asks for media: a sealed snapshot that a new DSA loads instead of pulling everything by mail.
package struct MediaRequest: Codable, Hashable, Sendable {
    /// DNs or GUIDs; empty = schema, configuration and every domain that is held in full.
    package var namingContexts: [String]

    package init(namingContexts: [String] = []) { self.namingContexts = namingContexts }
}
