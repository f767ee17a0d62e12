// Package proxy will say which proxy a request goes through: the modes and rules of
// Electron's setProxy, bypass lists, the order of fallback and the memory of proxies
// that failed. Tunnels (CONNECT, SOCKS) and the system's own settings will be
// sub-packages.
//
// It stands on floor 3, the joints, since its answers may come from package pac;
// net/transport will ask it. It holds no code yet: today every connection is direct.
package proxy
