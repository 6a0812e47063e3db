// An OpenID provider (npm oidc-provider) on a free port of 127.0.0.1: PKCE is required, access tokens live for 30 seconds, and a
// refresh token that is used twice ends everything that was granted. Argument: the directory of npm packages.
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const { Provider } = await import(pathToFileURL(`${process.argv[2]}/oidc-provider/lib/index.js`));
const server = createServer((request, response) => provider.callback()(request, response));
let provider;
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  provider = new Provider(issuer, {
    clients: [{
      client_id: 'tea-client',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: ['http://127.0.0.1/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    }],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: async () => true,
    ttl: { AccessToken: 30, AuthorizationCode: 60, Grant: 600, IdToken: 60, Interaction: 600, RefreshToken: 600, Session: 600 },
    cookies: { keys: ['tea'] },
    features: { devInteractions: { enabled: true } },
    async findAccount(_, id) {
      return { accountId: id, claims: async () => ({ sub: id }) };
    },
  });
  console.log(issuer);
});
// It ends with the test: its standard input is the test's.
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
