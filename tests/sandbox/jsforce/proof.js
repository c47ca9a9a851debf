// SPDX-License-Identifier: GPL-3.0-or-later
// proof.js - jsforce, which nobody here wrote, uses the sandbox at $SANDBOX_URL.
'use strict';

const assert = require('node:assert');
const crypto = require('node:crypto');
const jsforce = require('jsforce');

const url = process.env.SANDBOX_URL;
const version = process.env.SANDBOX_VERSION || '66.0';
const tests = [];
const test = (name, run) => tests.push({ name, run });
const oauth2 = {
	loginUrl: url, clientId: 'sandbox', clientSecret: 'sandbox',
	redirectUri: 'http://localhost/',
};
const connect = async () => {
	const conn = new jsforce.Connection({ oauth2, version });
	await conn.login('sandbox@example.com', 'sandbox' + 'TOKEN');
	return conn;
};
let conn;
const base = `/services/data/v${version}`;
const post = (path, body) => conn.request({
	method: 'POST', url: base + path, body: JSON.stringify(body),
	headers: { 'content-type': 'application/json' },
});
const refused = async (promise, code, what) => {
	await assert.rejects(promise, (e) => {
		assert.strictEqual(e.errorCode || e.name, code, what);
		return true;
	}, what);
};

test('login with user name and password', async () => {
	conn = await connect();
	assert.match(conn.accessToken, /^00D.{12}!/);
	assert.strictEqual(conn.instanceUrl, url);
	assert.match(conn.userInfo.id, /^005/);
	assert.match(conn.userInfo.organizationId, /^00D/);
});

test('a wrong password is refused', async () => {
	const c = new jsforce.Connection({ oauth2, version });
	await assert.rejects(c.login('sandbox@example.com', 'no'),
		/authentication failure/);
});

test('client credentials', async () => {
	const c = new jsforce.Connection({ oauth2, version });
	await c.authorize({ grant_type: 'client_credentials' });
	assert.match((await c.identity()).user_id, /^005/);
});

test('JWT bearer', async () => {
	const b64 = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
	const claims = {
		iss: 'sandbox', sub: 'sandbox@example.com',
		aud: 'https://login.salesforce.com',
		exp: String(Math.floor(Date.now() / 1000) + 180),
	};
	const head = b64({ alg: 'RS256', typ: 'JWT' }) + '.' + b64(claims);
	const key = require('node:fs').readFileSync(process.env.SANDBOX_JWT_KEY);
	const sign = crypto.sign('sha256', Buffer.from(head), key);
	const grant = {
		grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
		assertion: head + '.' + sign.toString('base64url'),
	};
	const c = new jsforce.Connection({ oauth2, version });
	await c.authorize(grant);
	assert.match((await c.identity()).organization_id, /^00D/);
	await assert.rejects(c.authorize({
		...grant, assertion: head + '.AAAA',
	}), /invalid assertion/);
});

test('an expired session is renewed with the refresh token', async () => {
	let renewed = 0;
	conn.on('refresh', () => renewed++);
	await fetch(url + '/sandbox/expire', { method: 'POST' });
	const got = await conn.query('SELECT Id FROM User');
	assert.strictEqual(got.totalSize, 1);
	assert.strictEqual(renewed, 1);
});

test('versions and limits', async () => {
	const all = await conn.request(url + '/services/data');
	assert.strictEqual(all[all.length - 1].version, '67.0');
	const limits = await conn.limits();
	assert.ok(limits.DailyApiRequests.Max > 0);
	assert.ok(conn.limitInfo.apiUsage.used > 0);
});

test('describe global', async () => {
	const got = await conn.describeGlobal();
	assert.strictEqual(got.maxBatchSize, 200);
	const names = got.sobjects.map((o) => o.name);
	for (const name of ['Account', 'Case', 'Contact', 'ContentVersion',
		'ContentDocumentLink', 'EmailMessage', 'Group', 'Lead', 'Task',
		'User', 'Invoice__c'])
		assert.ok(names.includes(name), name);
});

test('describe one object', async () => {
	const got = await conn.sobject('Case').describe();
	assert.strictEqual(got.keyPrefix, '500');
	const field = (name) => got.fields.find((f) => f.name === name);
	assert.strictEqual(field('Subject').length, 255);
	assert.strictEqual(field('Subject').type, 'string');
	assert.strictEqual(field('CaseNumber').autoNumber, true);
	assert.deepStrictEqual(field('ContactId').referenceTo, ['Contact']);
	assert.strictEqual(field('Mailmill_Key__c').externalId, true);
	assert.ok(field('Status').picklistValues
		.some((p) => p.value === 'New' && p.defaultValue));
	assert.ok(got.childRelationships
		.some((c) => c.relationshipName === 'EmailMessages'));
	await refused(conn.sobject('Nope').describe(), 'NOT_FOUND');
});

test('create, read, update, delete', async () => {
	const made = await conn.sobject('Case').create({ Subject: 'Größe 😀' });
	assert.ok(made.success);
	assert.match(made.id, /^500.{15}$/);
	const read = await conn.sobject('Case').retrieve(made.id);
	assert.strictEqual(read.Subject, 'Größe 😀');
	assert.strictEqual(read.Status, 'New');
	assert.match(read.CaseNumber, /^\d{8}$/);
	assert.match(read.CreatedDate,
		/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000$/);
	await conn.sobject('Case').update({ Id: made.id, Status: 'Closed' });
	const closed = await conn.sobject('Case').retrieve(made.id);
	assert.strictEqual(closed.IsClosed, true);
	assert.ok(closed.ClosedDate);
	assert.ok((await conn.sobject('Case').destroy(made.id)).success);
	await refused(conn.sobject('Case').retrieve(made.id),
		'ENTITY_IS_DELETED');
});

test('errors have their codes', async () => {
	const make = (type, fields) => conn.sobject(type).create(fields);
	await refused(make('Lead', { FirstName: 'x' }),
		'REQUIRED_FIELD_MISSING');
	await refused(make('Case', { Nope: 1 }), 'INVALID_FIELD');
	await refused(make('Case', { CaseNumber: '1' }),
		'INVALID_FIELD_FOR_INSERT_UPDATE');
	await refused(make('Case', { Subject: 'x'.repeat(256) }),
		'STRING_TOO_LONG');
	await refused(make('Case', { SuppliedEmail: 'x' }),
		'INVALID_EMAIL_ADDRESS');
	await refused(make('Case', { ContactId: '001000000000001' }),
		'MALFORMED_ID');
	await refused(make('EmailMessage', { Status: 'x' }),
		'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST');
	await refused(make('Nope', {}), 'NOT_FOUND');
	await refused(conn.query('SELECT Nope FROM Case'), 'INVALID_FIELD');
	await refused(conn.query('SELECT Id FROM Nope'), 'INVALID_TYPE');
	await refused(conn.query('SELEC'), 'MALFORMED_QUERY');
});

test('upsert: created, updated, several', async () => {
	const key = 'key-' + crypto.randomUUID();
	const cases = conn.sobject('Case');
	const one = await cases.upsert(
		{ Mailmill_Key__c: key, Subject: '1' }, 'Mailmill_Key__c');
	assert.strictEqual(one.created, true);
	const two = await cases.upsert(
		{ Mailmill_Key__c: key, Subject: '2' }, 'Mailmill_Key__c');
	assert.strictEqual(two.created, false);
	assert.strictEqual(two.id, one.id);
	assert.strictEqual((await cases.retrieve(one.id)).Subject, '2');
	await refused(cases.create({ Mailmill_Key__c: key }),
		'DUPLICATE_VALUE');
	const twin = { LastName: 'Twin', Email: 'twin@example.com' };
	await conn.sobject('Contact').create([twin, twin]);
	await refused(conn.sobject('Contact').upsert(
		{ Email: twin.Email, LastName: 'T' }, 'Email'),
		'MULTIPLE_CHOICES');
});

test('401 records at once, cut into calls of 200', async () => {
	const records = [...Array(401).keys()].map((n) => ({
		LastName: 'Many ' + n, Email: `many${n}@example.com`,
	}));
	const got = await conn.sobject('Contact')
		.create(records, { allowRecursive: true });
	assert.strictEqual(got.length, 401);
	assert.ok(got.every((r) => r.success));
	const ids = got.map((r) => r.id);
	const changed = await conn.sobject('Contact').update(
		ids.slice(0, 150).map((Id) => ({ Id, Title: 'Dr' })));
	assert.ok(changed.every((r) => r.success));
	const read = await conn.sobject('Contact').retrieve(ids.slice(0, 3));
	assert.deepStrictEqual(read.map((r) => r.Title), ['Dr', 'Dr', 'Dr']);
	const up = await conn.sobject('Case').upsert(
		[1, 2, 3].map((n) => ({
			Mailmill_Key__c: 'up' + n, Subject: 'u' + n,
		})), 'Mailmill_Key__c');
	assert.ok(up.every((r) => r.success && r.created));
	const gone = await conn.sobject('Contact').destroy(ids.slice(0, 200));
	assert.ok(gone.every((r) => r.success));
	const left = await conn.query(
		"SELECT COUNT() FROM Contact WHERE Email LIKE 'many%'");
	assert.strictEqual(left.totalSize, 201);
});

test('collections: order, and all or none', async () => {
	const body = (allOrNone) => ({
		allOrNone, records: [
			{ attributes: { type: 'Contact' }, LastName: 'Good' },
			{ attributes: { type: 'Contact' }, FirstName: 'Bad' },
		],
	});
	const some = await post('/composite/sobjects', body(false));
	assert.strictEqual(some[0].success, true);
	assert.strictEqual(some[1].errors[0].statusCode,
		'REQUIRED_FIELD_MISSING');
	const none = await post('/composite/sobjects', body(true));
	assert.strictEqual(none[0].errors[0].statusCode,
		'ALL_OR_NONE_OPERATION_ROLLED_BACK');
});

test('a query of several pages', async () => {
	const calls = [];
	for (let i = 0; i < 11; i++)
		calls.push({ records: [...Array(200).keys()].map((n) => ({
			attributes: { type: 'Lead' }, LastName: 'P',
			Company: 'Pages', NumberOfEmployees: i * 200 + n,
		})) });
	for (const call of calls)
		await post('/composite/sobjects', call);
	const soql = "SELECT NumberOfEmployees FROM Lead WHERE " +
		"Company = 'Pages' ORDER BY NumberOfEmployees";
	let page = await conn.query(soql, { headers: {
		'Sforce-Query-Options': 'batchSize=200' } });
	assert.strictEqual(page.totalSize, 2200);
	const seen = [];
	for (;;) {
		seen.push(...page.records.map((r) => r.NumberOfEmployees));
		if (page.done)
			break;
		page = await conn.queryMore(page.nextRecordsUrl);
	}
	assert.deepStrictEqual(seen, [...Array(2200).keys()]);
	const all = await conn.query(soql, { autoFetch: true, maxFetch: 5000 });
	assert.strictEqual(all.records.length, 2200);
	await refused(conn.queryMore(base + '/query/01gXX-200'),
		'INVALID_QUERY_LOCATOR');
});

test('relations in queries', async () => {
	const account = await conn.sobject('Account').create({ Name: "O'Hara" });
	const contact = await conn.sobject('Contact').create({
		LastName: 'Rel', AccountId: account.id, Email: 'rel@example.com',
	});
	const made = await conn.sobject('Case').create({
		Subject: 'Rel', Contact: { Email: 'rel@example.com' },
	});
	await conn.sobject('EmailMessage').create({
		ParentId: made.id, Incoming: true, Status: '0', Subject: 'm',
		FromId: contact.id,
	});
	const got = await conn.sobject('Case').find(
		{ 'Contact.Account.Name': "O'Hara" },
		'Id, ContactEmail, Account.Name, Contact.LastName').execute();
	assert.strictEqual(got.length, 1);
	assert.strictEqual(got[0].Account.Name, "O'Hara");
	assert.strictEqual(got[0].ContactEmail, 'rel@example.com');
	const sub = await conn.query(
		'SELECT Id, (SELECT Subject, From.Name FROM EmailMessages) ' +
		`FROM Case WHERE Id = '${made.id}'`);
	const mails = sub.records[0].EmailMessages;
	assert.strictEqual(mails.totalSize, 1);
	assert.strictEqual(mails.records[0].From.Name, 'Rel');
	const max = await conn.query(
		'SELECT MAX(NumberOfEmployees) m FROM Lead');
	assert.strictEqual(max.records[0].m, 2199);
});

test('composite: references, and all or none', async () => {
	const run = (allOrNone, from) => post('/composite', {
		allOrNone, compositeRequest: [
			{ method: 'POST', url: base + '/sobjects/Case',
				referenceId: 'c1', body: { Subject: 'Comp' } },
			{ method: 'POST', url: base + '/sobjects/EmailMessage',
				referenceId: 'm1', body: {
					ParentId: '@{c1.id}', Status: '0',
					FromAddress: from } },
			{ method: 'GET', referenceId: 'q1', url: base +
				'/query/?q=SELECT+CaseNumber+FROM+Case+WHERE+' +
				"Id='@{c1.id}'" },
			{ method: 'PATCH', referenceId: 'u1',
				url: base + '/sobjects/Case/@{c1.id}', body: {
					Description: 'is ' +
					'@{q1.records[0].CaseNumber}' } },
		],
	});
	const good = (await run(true, 'a@example.com')).compositeResponse;
	assert.deepStrictEqual(good.map((r) => r.httpStatusCode),
		[201, 201, 200, 204]);
	const made = await conn.sobject('Case').retrieve(good[0].body.id);
	assert.strictEqual(made.Description, 'is ' + made.CaseNumber);
	const bad = (await run(true, 'bad')).compositeResponse;
	assert.strictEqual(bad[0].body[0].errorCode, 'PROCESSING_HALTED');
	assert.strictEqual(bad[1].body[0].errorCode, 'INVALID_EMAIL_ADDRESS');
	const some = (await run(false, 'bad')).compositeResponse;
	assert.deepStrictEqual(some.map((r) => r.httpStatusCode),
		[201, 400, 200, 204]);
});

test('composite graph: one rolled back, the other stays', async () => {
	const graph = (graphId, from) => ({
		graphId, compositeRequest: [
			{ method: 'PATCH', referenceId: 'c', body: {
				Subject: graphId },
			url: `${base}/sobjects/Case/Mailmill_Key__c/${graphId}` },
			{ method: 'POST', referenceId: 'm', body: {
				ParentId: '@{c.id}', FromAddress: from },
			url: base + '/sobjects/EmailMessage/' },
		],
	});
	const got = await post('/composite/graph', { graphs: [
		graph('graphBad', 'bad'), graph('graphGood', 'a@example.com'),
	] });
	assert.strictEqual(got.graphs[0].isSuccessful, false);
	assert.strictEqual(got.graphs[1].isSuccessful, true);
	const codes = got.graphs[0].graphResponse.compositeResponse
		.map((r) => r.body[0].errorCode);
	assert.deepStrictEqual(codes,
		['PROCESSING_HALTED', 'INVALID_EMAIL_ADDRESS']);
	const left = await conn.query("SELECT Subject FROM Case WHERE " +
		"Mailmill_Key__c IN ('graphBad', 'graphGood')");
	assert.deepStrictEqual(left.records.map((r) => r.Subject),
		['graphGood']);
	const many = Array(76).fill(0).map((_, i) => graph('g' + i, 'a@b.de'));
	await refused(post('/composite/graph', { graphs: many }),
		'LIMIT_EXCEEDED');
});

test('files: base64, multipart, download', async () => {
	const bytes = crypto.randomBytes(3 << 20);
	const made = await conn.sobject('Case').create({ Subject: 'Files' });
	const versions = conn.sobject('ContentVersion');
	const small = await versions.create({
		PathOnClient: 'small.txt', FirstPublishLocationId: made.id,
		VersionData: Buffer.from('hello').toString('base64'),
	});
	const big = await versions.create({
		PathOnClient: 'big.bin', FirstPublishLocationId: made.id,
		VersionData: bytes,
	}, { multipartFileFields: { VersionData: {
		filename: 'big.bin', contentType: 'application/octet-stream' } } });
	const get = async (id) => Buffer.from(await (await fetch(
		`${url}${base}/sobjects/ContentVersion/${id}/VersionData`,
		{ headers: { authorization: 'Bearer ' + conn.accessToken } }))
		.arrayBuffer());
	assert.strictEqual((await get(small.id)).toString(), 'hello');
	assert.ok(bytes.equals(await get(big.id)));
	const row = await versions.retrieve(big.id);
	assert.strictEqual(row.Checksum,
		crypto.createHash('md5').update(bytes).digest('hex'));
	assert.strictEqual(row.ContentSize, bytes.length);
	const links = await conn.query('SELECT ContentDocument.Title, ' +
		`ShareType FROM ContentDocumentLink WHERE LinkedEntityId = '${
			made.id}' ORDER BY ContentDocument.Title`);
	assert.deepStrictEqual(
		links.records.map((l) => l.ContentDocument.Title),
		['big', 'small']);
	await refused(conn.sobject('ContentDocumentLink').create({
		ContentDocumentId: row.ContentDocumentId,
		LinkedEntityId: made.id, ShareType: 'V',
	}), 'DUPLICATE_VALUE');
});

test('what was changed and deleted', async () => {
	const made = await conn.sobject('Task').create({ Subject: 'T' });
	const from = new Date(Date.now() - 60000), to = new Date(
		Date.now() + 60000);
	const changed = await conn.sobject('Task').updated(from, to);
	assert.ok(changed.ids.includes(made.id));
	await conn.sobject('Task').destroy(made.id);
	const gone = await conn.sobject('Task').deleted(from, to);
	assert.ok(gone.deletedRecords.some((r) => r.id === made.id));
});

test('objects of a schema file', async () => {
	const invoices = conn.sobject('Invoice__c');
	const made = await conn.sobject('Case').create({ Subject: 'Inv' });
	const one = await invoices.upsert({
		Number__c: 'R-1', Amount__c: 12.5, Case__c: made.id,
	}, 'Number__c');
	assert.ok(one.success && one.created);
	const got = await conn.query('SELECT Amount__c, Case__r.Subject FROM ' +
		"Invoice__c WHERE Number__c = 'r-1'");
	assert.strictEqual(got.records[0].Amount__c, 12.5);
	assert.strictEqual(got.records[0].Case__r.Subject, 'Inv');
	await refused(invoices.create({ State__c: 'odd' }),
		'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST');
});

test('faults are what they say', async () => {
	const fault = (body) => fetch(url + '/sandbox/faults', {
		method: 'POST', body: JSON.stringify(body) });
	const make = () => conn.sobject('Case').create({ Subject: 'Fault' });
	await fault({ call: 'record', fault: 'lock_row', times: 1 });
	await refused(make(), 'UNABLE_TO_LOCK_ROW');
	await fault({ call: 'record', fault: 'limit', times: 1 });
	await refused(make(), 'REQUEST_LIMIT_EXCEEDED');
	await fault({ call: 'query', fault: '503', times: 1 });
	assert.ok((await conn.query('SELECT Id FROM User')).done);
	await fault({ call: 'record', fault: 'reset_after', times: 1 });
	await assert.rejects(make());
	const made = await conn.query(
		"SELECT COUNT() FROM Case WHERE Subject = 'Fault'");
	assert.strictEqual(made.totalSize, 1);
});

test('logout revokes the token', async () => {
	const c = await connect();
	await c.logout();
	const answer = await fetch(url + base + '/limits', { headers: {
		authorization: 'Bearer ' + conn.accessToken } });
	assert.strictEqual(answer.status, 200);
});

(async () => {
	let failed = 0, n = 0;
	console.log('TAP version 13');
	console.log(`1..${tests.length}`);
	for (const { name, run } of tests) {
		try {
			await run();
			console.log(`ok ${++n} - ${name}`);
		} catch (e) {
			failed++;
			console.log(`not ok ${++n} - ${name}`);
			console.log(String(e.stack || e).replace(/^/gm, '# '));
		}
	}
	process.exit(failed ? 1 : 0);
})();
