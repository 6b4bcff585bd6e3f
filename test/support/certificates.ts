/** Client certificates as a trusted proxy hands them over (RFC 9440): self-signed, good for a hundred years. */
import { X509Certificate } from 'node:crypto';

/** The tests' own machine is the trusted proxy, and says which chains it verified. */
export const trustLoopback = {
  DAYPASS_TRUST_PROXY: '127.0.0.1/32',
  DAYPASS_CLIENT_CERT_VERIFIED_HEADER: 'Client-Cert-Verified',
};

const pem = `-----BEGIN CERTIFICATE-----
MIICHTCCAcKgAwIBAgIUNO7PzhOj2G6e1039ad5EMvBZQgUwCgYIKoZIzj0EAwIw
ODELMAkGA1UEBhMCREUxDTALBgNVBAoMBEFjbWUxGjAYBgNVBAMMEWdhdGV3YXku
YWNtZS50ZXN0MCAXDTI2MTEyMTAwNTc0NFoYDzIxMjYxMDI4MDA1NzQ0WjA4MQsw
CQYDVQQGEwJERTENMAsGA1UECgwEQWNtZTEaMBgGA1UEAwwRZ2F0ZXdheS5hY21l
LnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAR1GxoO6xXnRhJPxAjwI2eh
g6p24Z2I10EOLlTSwbta9e0LcNbshcSghtPYkVDlgv0/NgI8ayqfqwWsc/zOzdtA
o4GnMIGkMB0GA1UdDgQWBBS6Ej98UARpWo7Hfkcmf383wGFWdjAfBgNVHSMEGDAW
gBS6Ej98UARpWo7Hfkcmf383wGFWdjAPBgNVHRMBAf8EBTADAQH/MFEGA1UdEQRK
MEiCEWdhdGV3YXkuYWNtZS50ZXN0hhpzcGlmZmU6Ly9hY21lLnRlc3QvZ2F0ZXdh
eYcEwAACB4ERZ2F0ZXdheUBhY21lLnRlc3QwCgYIKoZIzj0EAwIDSQAwRgIhAOvQ
xVu3TRfkHcGjimPP340ZQs6LQK3/7mzKhtRrWZ/YAiEAjms4YWzrw47Eocbu7wE/
rutiZzUSuSnbbFpFnPiEaw4=
-----END CERTIFICATE-----`;

const otherPem = `-----BEGIN CERTIFICATE-----
MIIBxjCCAWugAwIBAgIUUjLgOIUbeP/cA6ZMvixBoUUbIhEwCgYIKoZIzj0EAwIw
NzELMAkGA1UEBhMCREUxDjAMBgNVBAoMBU90aGVyMRgwFgYDVQQDDA9vdGhlci5h
Y21lLnRlc3QwIBcNMjYxMTIxMDA1NzQ0WhgPMjEyNjEwMjgwMDU3NDRaMDcxCzAJ
BgNVBAYTAkRFMQ4wDAYDVQQKDAVPdGhlcjEYMBYGA1UEAwwPb3RoZXIuYWNtZS50
ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEDVG0xO5WboWNalpI3C0mY/PO
gmFvq57RmQhYP/GSYwYkwicl9SmkAcB9RzYARpOYKDbTjutqvSpM4XJ3ZvMpzaNT
MFEwHQYDVR0OBBYEFLuiZnCCro6D6HvrtsUkPKkjPmy3MB8GA1UdIwQYMBaAFLui
ZnCCro6D6HvrtsUkPKkjPmy3MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwID
SQAwRgIhAKnl2iYsenyFb3USsGJnpjkkz5dX7vWcNzylyXEVQ0ywAiEA1VT5ziFF
Fq3338IFSkH9jjB1Sz6Qqb7H8QNz36dC5qI=
-----END CERTIFICATE-----`;

/** `header`: the value of `Client-Cert`, `headers`: with a verified chain; `jwks`: the keys of a client that has it; `subject` as RFC 4514 writes it. */
function presented(text: string) {
  const { raw, subject, publicKey } = new X509Certificate(text);
  const base64 = raw.toString('base64');
  const header = `:${base64}:`;
  return {
    pem: text,
    base64,
    jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), x5c: [base64] }] },
    header,
    headers: { 'client-cert': header, 'client-cert-verified': 'SUCCESS' },
    subject: subject.split('\n').reverse().join(','),
  };
}

export const certificate = presented(pem);
export const otherCertificate = presented(otherPem);
