import Identifiers

// Looking into the folders and moving mails between them. Moves need no sync: after a crash a mail lies in
// the old folder or in the new one, and reading it again is harmless.
extension MailRoot {
    /// The mails of a folder, in the order of their names.
    package func list(_ folder: MailFolder) async throws(FileError) -> [MailFile] {
        let base = folderPath(folder)
        return try await threads.run { [fileSystem] () throws(FileError) in
            var files: [MailFile] = []
            for name in try fileSystem.list(base).sorted() where name.hasSuffix(".eml") {
                let id = String(name.dropLast(4))
                guard Self.isFileID(id), let status = try? fileSystem.status("\(base)/\(name)"),
                    status.isRegular
                else { continue }
                files.append(
                    MailFile(folder: folder, id: id, octets: status.octets, modified: status.modified)
                )
            }
            return files
        }
    }

    /// Count, octets and the oldest mail of every folder.
    package func summary() async throws(FileError) -> [MailFolderSummary] {
        var summaries: [MailFolderSummary] = []
        for folder in MailFolder.allCases {
            let files = try await list(folder)
            summaries.append(
                MailFolderSummary(
                    folder: folder,
                    count: files.count,
                    octets: files.reduce(0) { $0 + $1.octets },
                    oldest: files.map(\.modified).min()
                )
            )
        }
        return summaries
    }

    package func read(_ folder: MailFolder, _ id: String) async throws(FileError) -> [UInt8] {
        let file = try path(folder, id)
        return try await threads.run { [fileSystem, limits] () throws(FileError) in
            try fileSystem.read(file, octetsMax: limits.mailOctetsMax)
        }
    }

    /// Nil when there is no readable reason beside the mail.
    package func reason(_ folder: MailFolder, _ id: String) async -> MailReason? {
        guard let file = try? path(folder, id, "reason") else { return nil }
        return await threads.run { [fileSystem, limits] in
            guard let octets = try? fileSystem.read(file, octetsMax: limits.reasonOctetsMax) else {
                return nil
            }
            return MailReason(text: String(decoding: octets, as: UTF8.self))
        }
    }

    /// The mail is done with: kept in Archive when that is on, else removed.
    ///
    /// True when it was kept.
    @discardableResult
    package func finish(_ folder: MailFolder, _ id: String) async throws(FileError) -> Bool {
        if limits.isArchiveOn {
            _ = try await move(id, from: folder, to: .archive, reason: nil)
        } else {
            try await discard(folder, id)
        }
        return limits.isArchiveOn
    }

    /// Removes the mail and what lies beside it.
    package func discard(_ folder: MailFolder, _ id: String) async throws(FileError) {
        let mail = try path(folder, id)
        let besides = [try path(folder, id, "json"), try path(folder, id, "reason")]
        let octets = try await threads.run { [fileSystem] () throws(FileError) in
            let octets = try? fileSystem.status(mail)?.octets
            try fileSystem.remove(mail)
            for beside in besides { try? fileSystem.remove(beside) }
            return octets ?? 0
        }
        _ = count(-octets, into: folder)
        forgetCompleted(id)
        if folder == .held { forgetHeldCopy(id) }
    }

    /// To Badmail; returns the mail's name there.
    @discardableResult
    package func refuse(
        _ folder: MailFolder,
        _ id: String,
        reason: MailReason
    ) async throws(FileError) -> String {
        try await move(id, from: folder, to: .badmail, reason: reason)
    }

    /// To Held; of mails with the same `copyKey` the one before goes.
    ///
    /// When Held is full, what its sender sends again (a mail with a `copyKey`) goes to Badmail. Any other stays
    /// where it is: nothing else would bring it back.
    @discardableResult
    package func hold(_ folder: MailFolder, _ id: String, reason: MailReason) async throws(FileError)
        -> HoldOutcome
    {
        let before = reason.copyKey.flatMap(heldCopy)
        if count(0, into: .held) >= limits.heldOctetsMax {
            guard reason.copyKey != nil else { return .full }
            guard let before else {
                var full = reason
                full.code = "held-full"
                full.sentence = "Held is full (\(limits.heldOctetsMax) octets); \(reason.sentence)"
                return .refused(try await refuse(folder, id, reason: full))
            }
            try? await discard(.held, before)
        }
        let name = try await move(id, from: folder, to: .held, reason: reason)
        guard let key = reason.copyKey, let replaced = noteHeldCopy(key, name), replaced != name else {
            return .held(name, replaced: before)
        }
        // After a crash here two copies lie there; the next one replaces them or finds itself alone.
        try? await discard(.held, replaced)
        return .held(name, replaced: replaced)
    }

    /// Where a mail went that was to be held.
    package enum HoldOutcome: Sendable, Hashable {
        /// Under that name; in place of another.
        case held(String, replaced: String?)
        /// In Badmail, under that name: Held is full, and its sender sends it again.
        case refused(String)
        /// Still where it was: Held is full.
        case full
    }

    /// Finds the copies that an earlier process held.
    func readHeldCopies() async {
        guard let files = try? await list(.held) else { return }
        var copies: [String: String] = [:]
        for file in files {
            guard let key = await reason(.held, file.id)?.copyKey else { continue }
            if let older = copies.updateValue(file.id, forKey: key) { try? await discard(.held, older) }
        }
        setHeldCopies(copies)
    }

    /// To wait for the other fragments of its message; returns the mail's name there.
    func awaitFragments(_ id: String) async throws(FileError) -> String {
        try await move(id, from: .drop, to: .fragments, reason: nil)
    }

    /// Back to Drop, to be read again; returns the mail's name there.
    @discardableResult
    package func release(_ id: String, from folder: MailFolder = .held) async throws(FileError) -> String {
        let name = try await move(id, from: folder, to: .drop, reason: nil)
        dropBell.ring()
        return name
    }

    private func move(
        _ id: String,
        from folder: MailFolder,
        to target: MailFolder,
        reason: MailReason?
    ) async throws(FileError) -> String {
        let source = try path(folder, id)
        let besides = [try path(folder, id, "json"), try path(folder, id, "reason")]
        let (name, octets) = try await threads.run { [self] () throws(FileError) in
            var name = id
            // Names given by others could replace an earlier mail of the same name.
            let isTaken = try fileSystem.holds(try path(target, id))
            if isTaken || !Self.isOurName(id) { name = freshID() }
            let reasonFile = try path(target, name, "reason")
            let octets = try fileSystem.status(source)?.octets ?? 0
            if let reason {
                try? fileSystem.remove(reasonFile)
                // On a full disk the mail moves all the same.
                try? fileSystem.writeNew(reasonFile, Array(reason.text.utf8)[...], isSynced: false)
            }
            do throws(FileError) {
                try fileSystem.rename(source, to: try path(target, name))
            } catch {
                if reason != nil { try? fileSystem.remove(reasonFile) }
                throw error
            }
            for beside in besides { try? fileSystem.remove(beside) }
            return (name, octets)
        }
        forgetCompleted(id)
        if folder == .held { forgetHeldCopy(id) }
        _ = count(-octets, into: folder)
        if let cap = cap(of: target), count(octets, into: target) > cap.octetsMax { await purge() }
        return name
    }

    // MARK: - Caps

    private func cap(of folder: MailFolder) -> (octetsMax: Int, days: Int)? {
        switch folder {
        case .archive: (limits.archiveOctetsMax, limits.archiveDays)
        case .badmail: (limits.badmailOctetsMax, limits.badmailDays)
        // Held is capped where mails enter it: nothing that may still be applied is thrown away by age.
        case .held: (.max, .max)
        case .pickup, .queue, .drop, .fragments: nil
        }
    }

    /// Removes the oldest of Archive and Badmail until both keep their caps, and counts anew.
    package func purge() async {
        for folder in MailFolder.allCases {
            guard let cap = cap(of: folder) else { continue }
            await purge(folder, octetsMax: cap.octetsMax, days: cap.days)
        }
    }

    func purge(_ folder: MailFolder, octetsMax: Int, days: Int) async {
        guard let files = try? await list(folder) else { return }
        let (life, overflow) = Int64(clamping: days).multipliedReportingOverflow(by: 86_400)
        let oldest = overflow ? Timestamp(seconds: .min) : time.adding(seconds: -life)
        var sum = files.reduce(0) { $0 + $1.octets }
        for file in files.sorted(by: { ($0.modified, $0.id) < ($1.modified, $1.id) })
        where sum > octetsMax || file.modified < oldest {
            guard (try? await discard(folder, file.id)) != nil else { continue }
            sum -= file.octets
        }
        setCount(sum, of: folder)
    }
}
